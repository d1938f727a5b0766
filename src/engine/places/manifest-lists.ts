import { homedir } from 'node:os'
import path from 'node:path'
import { bytesOf, type Digest, digestOf, fail, hasCode, type Job, messageOf } from '../../core/index.ts'
import {
  type Descriptor,
  formatReference,
  type ImageReference,
  isAttestation,
  type Platform,
  parseReference,
  readImageDocument,
  repositoryOf,
  withDefaultTag,
} from '../../oci/index.ts'
import type { RegistryRepository } from '../../registry/index.ts'
import { copyImage } from '../../transfer/index.ts'
import { type Household, openRemote, type RegistryWishes } from '../registry/repository.ts'
import { type InspectedManifest, type ListedManifest, listDocument, listTypeOf } from './manifest-json.ts'
import { ManifestWorkspace } from './manifest-workspace.ts'
import { platformOf } from './sources.ts'

/** What to collect. */
export interface ManifestListRequest extends RegistryWishes {
  list: string
  manifests: readonly string[]
  /** Adds to a list that is there. */
  amend?: boolean
}

/** What to say of a manifest in a list. */
export interface AnnotateRequest {
  list: string
  manifest: string
  os?: string
  architecture?: string
  variant?: string
  osVersion?: string
  osFeatures?: readonly string[]
}

/** What was pushed. */
export interface PushedList {
  digest: Digest
  /** The manifests that the list's repository did not have by its own name. */
  pushed: { ref: string; digest: Digest }[]
}

/**
 * Collects manifests of registries under the name of a list, which waits until it is pushed; the list's whole name.
 * Fails with `IMAGE_NOT_FOUND` and `LIST_EXISTS`, in Docker's words.
 */
export async function createManifestList(
  household: Household,
  request: ManifestListRequest,
  job: Job,
): Promise<string> {
  const list = parse(request.list, `error parsing name for manifest list ${request.list}`)
  const workspace = workspaceOf(household)
  if (workspace.list(list) && !request.amend) {
    throw fail('LIST_EXISTS', 'refusing to amend an existing manifest list with no --amend flag')
  }
  const wanted = request.manifests.map((text) => parse(text))
  const found: ListedManifest[] = []
  for (const reference of wanted) {
    const [entry, ...others] = await fetchManifests(household, reference, request, job)
    if (!entry || others.length > 0 || entry.ref !== formatReference(reference)) {
      throw fail('MANIFEST_INVALID', `${formatReference(reference)} is a manifest list`, {
        hint: 'imagetools create takes lists apart.',
      })
    }
    found.push(entry)
  }
  for (const [i, entry] of found.entries()) workspace.save(list, wanted[i]!, entry)
  return formatReference(list)
}

/** Changes what a list says of a manifest. Fails with `IMAGE_NOT_FOUND` and `PLATFORM_INVALID`. */
export function annotateManifest(household: Household, request: AnnotateRequest): void {
  const list = parse(request.list, `annotate: error parsing name for manifest list ${request.list}`)
  const manifest = parse(request.manifest, `annotate: error parsing name for manifest ${request.manifest}`)
  const workspace = workspaceOf(household)
  const entry = workspace.find(list, manifest)
  if (!entry) {
    const [image, where] = [formatReference(manifest), formatReference(list)]
    throw fail('IMAGE_NOT_FOUND', `manifest for image ${image} does not exist in ${where}`)
  }
  const platform = changedPlatform(entry.descriptor.platform, request)
  workspace.save(list, manifest, { ...entry, descriptor: { ...entry.descriptor, platform } })
}

/** A list that waits here, or what a registry has under the name; with `list` a manifest of that list. */
export async function inspectManifest(
  household: Household,
  request: RegistryWishes & { name: string; list?: string },
  job: Job,
): Promise<InspectedManifest> {
  const reference = parse(request.name)
  const workspace = workspaceOf(household)
  if (request.list !== undefined) {
    const entry = workspace.find(parse(request.list), reference)
    if (!entry) throw noManifest('No', reference)
    return { manifests: [entry] }
  }
  const local = workspace.list(reference)
  if (local) {
    for (const entry of local) checkDomain(reference, entry, 'failed to assemble ManifestDescriptor: ')
    return { mediaType: listTypeOf(local), manifests: local }
  }
  return fetchAll(household, reference, request, job)
}

/** Sends a list and what it needs to its registry. Fails with `IMAGE_NOT_FOUND` and `PLATFORM_INVALID`. */
export async function pushManifestList(
  household: Household,
  request: RegistryWishes & { list: string; purge?: boolean },
  job: Job,
): Promise<PushedList> {
  const list = parse(request.list)
  const workspace = workspaceOf(household)
  const manifests = workspace.list(list)
  if (!manifests) throw noManifest('No', list)
  for (const entry of manifests) checkEntry(list, entry)
  await using to = openRemote(household, list, { ...request, access: 'push' })
  const pushed: PushedList['pushed'] = []
  for (const { ref, descriptor } of manifests) {
    const source = parse(ref)
    if (source.path === list.path) continue
    await using from = openRemote(household, source, { ...request, access: 'pull' })
    await copyImage(from, to, { ref: descriptor.digest, mountFrom: () => source.path }, job)
    pushed.push({ ref: `${repositoryOf(list)}@${descriptor.digest}`, digest: descriptor.digest })
  }
  const digest = await sendList(to, list, manifests, job)
  if (request.purge) workspace.remove(list)
  return { digest, pushed }
}

/** Forgets a list. Fails with `IMAGE_NOT_FOUND`. */
export function removeManifestList(household: Household, text: string): void {
  const list = parse(text)
  if (!workspaceOf(household).remove(list)) throw noManifest('No', list)
}

async function sendList(
  to: RegistryRepository,
  list: ImageReference,
  manifests: ListedManifest[],
  job: Job,
): Promise<Digest> {
  const mediaType = listTypeOf(manifests)
  const bytes = Buffer.from(listDocument({ mediaType, manifests }))
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  await to.write(descriptor, bytesOf(bytes), {}, job)
  if (list.tag !== undefined) await to.tag(list.tag, descriptor, job)
  return descriptor.digest
}

async function fetchManifests(
  household: Household,
  reference: ImageReference,
  wishes: RegistryWishes,
  job: Job,
): Promise<ListedManifest[]> {
  return (await fetchAll(household, reference, wishes, job)).manifests
}

async function fetchAll(
  household: Household,
  reference: ImageReference,
  wishes: RegistryWishes,
  job: Job,
): Promise<InspectedManifest> {
  await using from = openRemote(household, reference, { ...wishes, access: 'pull' })
  try {
    const root = await from.resolve(reference.digest ?? reference.tag!, job)
    const { bytes, document } = await readImageDocument(from, root, job)
    if (document.kind === 'manifest') {
      return {
        manifests: [await entryOf(from, { ref: formatReference(reference), descriptor: root, raw: bytes }, job)],
      }
    }
    const manifests: ListedManifest[] = []
    for (const { mediaType, digest, size, platform } of document.index.manifests) {
      const { bytes: raw } = await readImageDocument(from, { mediaType, digest, size }, job)
      const descriptor = { mediaType, digest, size, ...(platform ? { platform } : {}) }
      manifests.push({ ref: `${formatReference(reference)}@${digest}`, descriptor, raw })
    }
    return { mediaType: document.mediaType, manifests }
  } catch (error) {
    if (hasCode(error, 'IMAGE_NOT_FOUND')) throw noManifest('no', reference, error)
    throw error
  }
}

/** The manifest with the platform that its config says. */
async function entryOf(from: RegistryRepository, entry: ListedManifest, job: Job): Promise<ListedManifest> {
  const { document } = await readImageDocument(from, entry.descriptor, job)
  const platform = document.kind === 'manifest' ? await platformOf(from, document, job) : undefined
  const { mediaType, digest, size } = entry.descriptor
  return { ...entry, descriptor: { mediaType, digest, size, ...(platform ? { platform } : {}) } }
}

function changedPlatform(old: Platform | undefined, request: AnnotateRequest): Platform {
  const { os, architecture, variant, osVersion, osFeatures = [] } = request
  const platform: Platform = {
    ...(old ?? { os: '', architecture: '' }),
    ...(os ? { os } : {}),
    ...(architecture ? { architecture } : {}),
    ...(variant ? { variant } : {}),
    ...(osVersion ? { 'os.version': osVersion } : {}),
    ...(osFeatures.length > 0 ? { 'os.features': [...new Set([...(old?.['os.features'] ?? []), ...osFeatures])] } : {}),
  }
  if (isKnown(platform)) return platform
  const asked = `${os ?? ''}/${architecture ?? ''}`
  throw fail('PLATFORM_INVALID', `manifest entry for image has unsupported os/arch combination: ${asked}`)
}

/** For which processors there are systems; Docker's table with those that came later. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  aix: 'ppc64',
  darwin: '386 amd64 arm arm64',
  dragonfly: 'amd64',
  freebsd: '386 amd64 arm arm64 riscv64',
  illumos: 'amd64',
  linux: '386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x',
  netbsd: '386 amd64 arm arm64',
  openbsd: '386 amd64 arm arm64 ppc64 riscv64',
  plan9: '386 amd64 arm',
  solaris: 'amd64',
  wasip1: 'wasm',
  windows: '386 amd64 arm arm64',
}

function isKnown({ os, architecture }: Platform): boolean {
  return Object.hasOwn(ARCHITECTURES, os) && ARCHITECTURES[os]!.split(' ').includes(architecture)
}

function checkEntry(list: ImageReference, entry: ListedManifest): void {
  checkDomain(list, entry, '')
  const { platform } = entry.descriptor
  if (isAttestation(entry.descriptor) || (platform?.os && platform.architecture)) return
  const message = `manifest ${entry.ref} must have an OS and Architecture to be pushed to a registry`
  throw fail('PLATFORM_INVALID', message, { hint: 'Say what they are with manifest annotate --os and --arch.' })
}

function checkDomain({ domain }: ImageReference, { ref }: ListedManifest, prefix: string): void {
  const source = parse(ref).domain
  if (source === domain) return
  const words = 'cannot use source images from a different registry than the target image'
  throw fail('PLACE_UNSUPPORTED', `${prefix}${words}: ${source} != ${domain}`, {
    hint: 'imagetools create copies images from one registry to another.',
  })
}

function parse(text: string, prefix?: string): ImageReference {
  try {
    return withDefaultTag(parseReference(text))
  } catch (error) {
    if (prefix === undefined || !hasCode(error, 'REFERENCE_INVALID')) throw error
    throw fail('REFERENCE_INVALID', `${prefix}: ${messageOf(error)}`, { cause: error })
  }
}

function noManifest(no: 'No' | 'no', reference: ImageReference, cause?: unknown): Error {
  return fail('IMAGE_NOT_FOUND', `${no} such manifest: ${formatReference(reference)}`, { cause })
}

function workspaceOf({ registries = {} }: Household): ManifestWorkspace {
  const { env = process.env } = registries
  const home = registries.home ?? (env['HOME'] || homedir())
  return new ManifestWorkspace(env['DOCKER_CONFIG'] || path.join(home, '.docker'))
}
