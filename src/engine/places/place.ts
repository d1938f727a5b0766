import { fail, type SlipwayError } from '../../core/index.ts'
import { type ImageReference, parseReference, withDefaultTag } from '../../oci/index.ts'

/** Where an image is, or is to go. A `name` or `index` says which image of a place that may hold several. */
export type Place =
  | { readonly kind: 'registry'; readonly reference: ImageReference }
  | { readonly kind: 'store'; readonly name: string }
  | { readonly kind: 'directory'; readonly path: string }
  | ({ readonly kind: 'oci-layout' | 'oci-archive' | 'docker-archive'; readonly path: string } & Which)

interface Which {
  readonly name?: string
  /** Counted from 0. */
  readonly index?: number
}

/** How places begin. Everything else is a name in the store. */
const TRANSPORTS: Readonly<Record<string, (rest: string, text: string) => Place>> = {
  docker: parseRegistry,
  store: parseStore,
  dir: (path, text) => ({ kind: 'directory', path: existing(path, text) }),
  oci: (rest, text) => ({ kind: 'oci-layout', ...parseLayout(rest, text) }),
  'oci-archive': (rest, text) => ({ kind: 'oci-archive', ...parseLayout(rest, text) }),
  'docker-archive': (rest, text) => ({ kind: 'docker-archive', ...parseDockerArchive(rest, text) }),
}

const HINTS: Readonly<Record<string, string>> = {
  'containers-storage': 'Save it with podman save, and copy it from docker-archive:FILE; our own store is store:NAME.',
  'docker-daemon': 'Save it with docker save, and copy it from docker-archive:FILE.',
  ostree: 'Use dir: or oci: instead.',
  sif: 'Use docker-archive: or oci: instead.',
  tarball: 'Use slipway import.',
  atomic: 'Use docker:// instead.',
}

/**
 * Parses what a user writes for a place: `docker://REF`, `oci:PATH[:TAG]`, `oci-archive:FILE[:TAG]`,
 * `docker-archive:FILE[:REF]`, `dir:PATH`, `store:NAME`, or the bare name of an image, which is in the store when not
 * said otherwise. `:@N` stands for the image at a position. Fails with `PLACE_INVALID`, `PLACE_UNSUPPORTED` and `REFERENCE_INVALID`.
 */
export function parsePlace(text: string, { bare = 'store' }: { bare?: 'store' | 'registry' } = {}): Place {
  const colon = text.indexOf(':')
  const transport = text.slice(0, Math.max(colon, 0))
  const parse = Object.hasOwn(TRANSPORTS, transport) ? TRANSPORTS[transport] : undefined
  // docker:dind is an image of Docker's
  if (parse && !(transport === 'docker' && !text.startsWith('docker:/'))) return parse(text.slice(colon + 1), text)
  if (Object.hasOwn(HINTS, transport) || text.startsWith(`${transport}://`)) throw unsupported(transport)
  return bare === 'store' ? parseStore(text, text) : parseRegistry(`//${text}`, text)
}

function parseRegistry(rest: string, text: string): Place {
  if (!rest.startsWith('//')) throw invalid(text, `docker: image reference ${rest} does not start with //`)
  return { kind: 'registry', reference: withDefaultTag(parseReference(rest.slice(2))) }
}

function parseStore(name: string, text: string): Place {
  if (name === '') throw invalid(text, 'it names no image')
  return { kind: 'store', name }
}

/** `PATH[:NAME]`: the first colon ends the path. */
function split(rest: string, text: string): { path: string; which: string } {
  const colon = rest.indexOf(':')
  const path = existing(colon < 0 ? rest : rest.slice(0, colon), text)
  return { path, which: colon < 0 ? '' : rest.slice(colon + 1) }
}

/** Components as in the image spec, "Pre-Defined Annotation Keys": what `org.opencontainers.image.ref.name` may hold. */
const IMAGE_NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--|\/)[A-Za-z0-9]+)*$/
const MAX_NAME = 4096

function parseLayout(rest: string, text: string): { path: string } & Which {
  const { path, which } = split(rest, text)
  if (which === '') return { path }
  if (which.startsWith('@')) return { path, index: position(which, text) }
  if (which.length > MAX_NAME || !isImageName(which)) throw invalid(text, `invalid image ${which.slice(0, 200)}`)
  return { path, name: which }
}

/** Spec'd names, and whatever is an image name: what we write has the names that it had in the store. */
function isImageName(name: string): boolean {
  if (IMAGE_NAME.test(name)) return true
  try {
    parseReference(name)
    return true
  } catch {
    return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)
  }
}

function parseDockerArchive(rest: string, text: string): { path: string } & Which {
  const { path, which } = split(rest, text)
  if (which === '') return { path }
  if (which.startsWith('@')) return { path, index: position(which, text) }
  const { tag, digest, ...repository } = withDefaultTag(parseReference(which))
  if (tag === undefined || digest !== undefined) throw invalid(text, `reference does not include a tag: ${which}`)
  return { path, name: `${repository.domain}/${repository.path}:${tag}` }
}

function position(which: string, text: string): number {
  if (/^@[0-9]{1,9}$/.test(which)) return Number(which.slice(1))
  throw invalid(text, `invalid source index ${which.slice(0, 100)}`)
}

function existing(path: string, text: string): string {
  if (path === '') throw invalid(text, 'it has no path')
  if (path.includes('\0')) throw invalid(text, 'its path has a zero byte')
  return path
}

function invalid(text: string, why: string): SlipwayError {
  return fail('PLACE_INVALID', `invalid place ${text.slice(0, 300)}: ${why}`, {
    hint: 'Write docker://NAME, oci:FOLDER:TAG, oci-archive:FILE, docker-archive:FILE, dir:FOLDER, or a name in the store.',
  })
}

function unsupported(transport: string): SlipwayError {
  const hint = HINTS[transport] ?? 'Places begin with docker://, oci:, oci-archive:, docker-archive:, dir: or store:.'
  return fail('PLACE_UNSUPPORTED', `unknown transport "${transport}"`, { hint })
}
