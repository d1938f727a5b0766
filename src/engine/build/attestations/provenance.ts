import {
  type FileSource,
  PROVENANCE_TYPES,
  type ProvenanceFacts,
  type ProvenanceOptions,
  provenancePredicate,
  type Solver,
  secretValues,
  type Vertex,
} from '../../../build/index.ts'
import {
  type Digest,
  digestAlgorithm,
  digestHex,
  type Job,
  type SourceFile,
  toByteString,
} from '../../../core/index.ts'
import { type Descriptor, hostPlatform, MEDIA } from '../../../oci/index.ts'
import { SecretFilter } from '../../builds/secrets.ts'
import type { BuildReport, BuildRequest } from '../request.ts'
import type { BuiltPlatform } from '../solve.ts'
import type { AttestationOptions } from './options.ts'
import type { Predicate } from './sbom.ts'

/** What is known of a build beside what was built. */
export interface ProvenanceSources {
  request: BuildRequest
  dockerfile: SourceFile
  solver: Solver
  invocationId: string
  /** Unix milliseconds. */
  startedAt: number
}

/** How the image of one platform was made. `layers` are those of the image as it is packed. */
export async function provenanceOf(
  { request, dockerfile, solver, invocationId, startedAt }: ProvenanceSources,
  built: BuiltPlatform,
  layers: readonly Descriptor[],
  options: ProvenanceOptions,
  job: Job,
): Promise<Predicate> {
  const digests = await fetched(built.stage.vertex, solver, job)
  const facts: ProvenanceFacts = {
    result: built.stage.vertex,
    platform: built.platform,
    buildPlatform: hostPlatform(),
    dockerfile,
    args: argumentsOf(request),
    digestOf: ({ id }) => digests.get(id),
    layers: layersByStep(built, layers),
    invocationId,
    startedAt,
    finishedAt: Date.now(),
  }
  const secrets = new SecretFilter(secretValues(request.buildArgs))
  const predicate = secrets.value(provenancePredicate(facts, options))
  return { name: 'provenance', predicateType: PROVENANCE_TYPES[options.version], predicate }
}

/** What the report of a build says of how its images were made; nothing when it was not asked for. */
export async function reportedProvenance(
  sources: ProvenanceSources,
  builds: readonly BuiltPlatform[],
  { provenance }: AttestationOptions,
  job: Job,
): Promise<Pick<BuildReport, 'provenance'>> {
  const mode = sources.request.reportProvenance
  if (!mode) return {}
  const options = { version: 'v1', builderId: '', reproducible: false, ...provenance, mode } as const
  const reported: NonNullable<BuildReport['provenance']>[number][] = []
  for (const built of builds) {
    const { predicate } = await provenanceOf(sources, built, tarDescriptors(built), options, job)
    reported.push({ platform: built.platform, predicate })
  }
  return { provenance: reported }
}

/** The layers as they are before an output compresses them. */
export function tarDescriptors({ layers }: BuiltPlatform): Descriptor[] {
  return layers.map(({ diffId, size }) => ({ mediaType: MEDIA.ociLayer, digest: diffId, size }))
}

/** The user's words, under BuildKit's names (`frontend attributes`). */
function argumentsOf(request: BuildRequest): Record<string, string> {
  const { buildArgs = {}, labels = {}, contexts = {}, target, noCache, network, extraHosts = [] } = request
  const named = (prefix: string, values: Readonly<Record<string, string>>): [string, string][] =>
    Object.entries(values).map(([name, value]) => [`${prefix}:${name}`, value])
  return Object.fromEntries([
    ...named('build-arg', buildArgs),
    ...named('label', labels),
    ...named('context', contexts),
    ...(target ? [['target', target]] : []),
    ...(noCache ? [['no-cache', '']] : []),
    ...(network && network !== 'default' ? [['force-network-mode', network]] : []),
    ...(extraHosts.length > 0 ? [['add-hosts', extraHosts.join(',')]] : []),
  ])
}

/** The layers of the image after each step that it consists of, the base first; empty layers belong to nobody. */
function layersByStep({ stage }: BuiltPlatform, layers: readonly Descriptor[]): ProvenanceFacts['layers'] {
  const own = stage.steps.flatMap(({ vertex }) => vertex ?? [])
  const below = stage.base?.layers.length ?? 0
  if (layers.length !== below + own.length) return [{ vertex: stage.vertex, descriptors: layers }]
  const base = own[0] ? own[0].inputs[0] : stage.vertex
  const steps = own.map((vertex, at) => ({ vertex, descriptors: layers.slice(0, below + at + 1) }))
  return base && below > 0 ? [{ vertex: base, descriptors: layers.slice(0, below) }, ...steps] : steps
}

/** What was fetched, by the vertices that did; what the cache made unnecessary has no digest. */
async function fetched(result: Vertex, solver: Solver, job: Job): Promise<Map<Digest, Record<string, string>>> {
  const digests = new Map<Digest, Record<string, string>>()
  const seen = new Set<Digest>()
  const pending = [result]
  for (let vertex = pending.pop(); vertex; vertex = pending.pop()) {
    if (seen.has(vertex.id)) continue
    seen.add(vertex.id)
    pending.push(...vertex.inputs)
    if ((vertex.op.kind !== 'http' && vertex.op.kind !== 'git') || !solver.outcome(vertex)) continue
    const value = await solver.solve(vertex)
    if (value.kind === 'remote') digests.set(vertex.id, commitDigest(value.key))
    const digest = value.kind === 'files' ? await onlyFile(value.files, job) : undefined
    if (digest) digests.set(vertex.id, { [digestAlgorithm(digest)]: digestHex(digest) })
  }
  return digests
}

/** The name of a commit, which is the first thing in the key of a repository's files. */
function commitDigest(key: string): Record<string, string> {
  const [commit] = JSON.parse(key) as [string]
  return { [commit.length === 64 ? 'sha256' : 'sha1']: commit }
}

async function onlyFile(files: FileSource, job: Job): Promise<Digest | undefined> {
  const [entry] = files.list(toByteString(''))
  return entry && files.digest(entry, job)
}
