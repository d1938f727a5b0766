import { refuse } from '../failure.ts'

/** What a path of the distribution protocol is about. */
export type Route =
  | { readonly kind: 'ping' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'extensions'; readonly repository?: string }
  | { readonly kind: 'tags'; readonly repository: string }
  /** `reference` is what stands there: a tag, a digest, or neither. */
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly reference: string }

/** A path that is about one repository. */
export type RepositoryRoute = Extract<Route, { readonly repository: string }>

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const MAX_NAME = 255
const EXTENSIONS = '_oci/ext/discover'

/** Whether `name` follows the grammar of repositories (distribution spec, "Pulling manifests"). */
export function isRepositoryName(name: string): boolean {
  return name.length <= MAX_NAME && name.split('/').every((component) => COMPONENT.test(component))
}

/** Whether `text` can be a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text)
}

/**
 * Understands a path below `/v2`, without its query. Names of repositories contain slashes and may contain the words of
 * the protocol (`a/blobs/b`), so the path is matched from its right end. `undefined` when the protocol has no such path;
 * fails with `NAME_INVALID`.
 */
export function parseRoute(path: string): Route | undefined {
  const rest = decode(path.slice('/v2/'.length))
  if (rest === '') return { kind: 'ping' }
  if (rest === '_catalog') return { kind: 'catalog' }
  if (rest === EXTENSIONS) return { kind: 'extensions' }
  if (rest.endsWith(`/${EXTENSIONS}`)) {
    return { kind: 'extensions', repository: checked(rest.slice(0, -EXTENSIONS.length - 1)) }
  }
  const parts = rest.split('/')
  const [third, second, last] = [parts.at(-3), parts.at(-2), parts.at(-1)!]
  if (third === 'blobs' && second === 'uploads') {
    const repository = nameOf(parts, 3)
    return last === '' ? { kind: 'uploads', repository } : { kind: 'upload', repository, id: last }
  }
  if (second === 'manifests') return { kind: 'manifest', repository: nameOf(parts, 2), reference: last }
  if (second === 'blobs' && last === 'uploads') return { kind: 'uploads', repository: nameOf(parts, 2) }
  if (second === 'blobs') return { kind: 'blob', repository: nameOf(parts, 2), reference: last }
  if (second === 'tags' && last === 'list') return { kind: 'tags', repository: nameOf(parts, 2) }
  if (second === 'referrers') return { kind: 'referrers', repository: nameOf(parts, 2), reference: last }
  return undefined
}

function nameOf(parts: readonly string[], behind: number): string {
  return checked(parts.slice(0, -behind).join('/'))
}

function checked(name: string): string {
  if (isRepositoryName(name)) return name
  throw refuse('NAME_INVALID', 'invalid repository name', { detail: { name: name.slice(0, MAX_NAME) } })
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse('NAME_INVALID', 'invalid percent encoding in the path')
  }
}
