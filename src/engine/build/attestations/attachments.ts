import { type ContextFiles, imagePackageUrl } from '../../../build/index.ts'
import { type Job, runTask } from '../../../core/index.ts'
import { type Descriptor, formatStatement, type Statement, writeAttestation } from '../../../oci/index.ts'
import type { Lease, Store } from '../../../store/index.ts'
import type { AttachedFile, Attachments, PackedImage } from '../finished.ts'
import type { BuiltPlatform } from '../solve.ts'
import { fileSubjects } from './file-subjects.ts'
import type { AttestationOptions } from './options.ts'
import { type ProvenanceSources, provenanceOf, tarDescriptors } from './provenance.ts'
import { type Predicate, type SbomImage, type Scanned, sbomPredicates } from './sbom.ts'
import { scanTargets } from './scan-targets.ts'
import { filesOfSource } from './source-files.ts'

/** What statements about a build are made from. */
export interface AttestedBuild extends ProvenanceSources {
  options: AttestationOptions
  names: readonly string[]
  lease: Lease
  contexts: ContextFiles
  /** Seconds since 1970. */
  epoch: number | undefined
}

/** Statements about the images of a build, made when it is exported; `undefined` when none are wanted. */
export function createAttachments(store: Store, build: AttestedBuild): Attachments | undefined {
  const { options, lease } = build
  if (!options.provenance && !options.sbom) return undefined
  return {
    async manifests(images, job) {
      const entries: Descriptor[] = []
      for (const image of images) {
        const { documents, entry } = writeAttestation(image.descriptor, await statementsOn(store, build, image, job))
        for (const { bytes, descriptor } of documents) store.blobs.writeWhole(bytes, lease, descriptor.digest)
        const name = `exporting attestation manifest ${entry.digest}`
        await runTask(job, { id: name, name, parent: 'export' }, async () => {})
        entries.push(entry)
      }
      return entries
    },
    files: (built, job) => filesOn(store, build, built, job),
  }
}

async function statementsOn(store: Store, build: AttestedBuild, image: PackedImage, job: Job): Promise<Statement[]> {
  const { options, names, epoch } = build
  const { descriptor, config, platform, manifest } = image
  const { digest } = descriptor
  const about: SbomImage = {
    digest,
    config,
    names,
    platform,
    ...(epoch === undefined ? {} : { created: epoch * 1000 }),
  }
  const predicates = options.sbom ? await scan(store, build, { ...image, about }, job) : []
  if (options.provenance) predicates.push(await provenanceOf(build, image, manifest.layers, options.provenance, job))
  const subjects = names.map((name) => ({ name: imagePackageUrl(name, platform), digest }))
  return predicates.map((predicate) => ({ ...predicate, subjects }))
}

/** A file for each statement, which is about the files: an image that is only files has no digest to speak of. */
async function filesOn(store: Store, build: AttestedBuild, built: BuiltPlatform, job: Job): Promise<AttachedFile[]> {
  const { options, epoch } = build
  const { stage, platform, layers } = built
  const files: AttachedFile[] = []
  if (![options.sbom, options.provenance].some((wanted) => wanted && !wanted.inlineOnly)) return files
  const tree = await store.layers.tree(layers.map(({ diffId }) => diffId))
  const subjects = await fileSubjects(tree, job)
  const add = (name: string, predicate: Predicate): void => {
    files.push({ name, bytes: Buffer.from(formatStatement({ ...predicate, subjects })) })
  }
  if (options.sbom && !options.sbom.inlineOnly) {
    const config = {
      os: platform.os,
      architecture: platform.architecture,
      rootfs: { type: 'layers', diff_ids: [] },
    } as const
    const digest = stage.vertex.id
    const about = { digest, config, names: [], platform, ...(epoch === undefined ? {} : { created: epoch * 1000 }) }
    for (const predicate of await scan(store, build, { ...built, about }, job)) {
      add(options.sbom.filename.replace(/^sbom/, predicate.name), predicate)
    }
  }
  if (options.provenance && !options.provenance.inlineOnly) {
    add(options.provenance.filename, await provenanceOf(build, built, tarDescriptors(built), options.provenance, job))
  }
  return files
}

/** Scans the image, and the stages and the context that the Dockerfile asks for. */
async function scan(
  store: Store,
  build: AttestedBuild,
  { stage, layers, about }: BuiltPlatform & { about: SbomImage },
  job: Job,
): Promise<Predicate[]> {
  const tree = await store.layers.tree(layers.map(({ diffId }) => diffId))
  const scanned: Scanned[] = [{ name: 'sbom', files: tree }]
  const targets = await scanTargets(stage)
  for (const { name, state } of targets.stages) {
    const value = await build.solver.solve(state.vertex)
    if (value.kind !== 'layers') continue
    const records = await Promise.all(value.layers.map((layer) => layer.committed))
    const files = await store.layers.tree(records.map(({ diffId }) => diffId))
    scanned.push({ name: `sbom-${name}`, files })
  }
  await build.solver.settle()
  const context = targets.context ? await build.contexts.get('context', 'sbom', job) : undefined
  if (context) scanned.push({ name: 'sbom-context', files: filesOfSource(context) })
  const task = { id: `sbom ${about.digest}`, name: 'scanning packages', parent: 'export' }
  return runTask(job, task, () => sbomPredicates(about, scanned, job))
}
