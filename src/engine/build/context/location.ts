import { statSync } from 'node:fs'
import path from 'node:path'
import { type GitReference, parseGitUrl } from '../../../build/index.ts'
import { fail, hasCode } from '../../../core/index.ts'
import { familiarReference, parseReference } from '../../../oci/index.ts'

/** Where the files of a context are. */
export type FilesLocation =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'git'; readonly url: string; readonly reference: GitReference }

/** What a text that stands for a build context means. */
export type Location =
  | FilesLocation
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'scratch' }
  | { readonly kind: 'layout'; readonly folder: string; readonly ref: string }

const HTTP = /^https?:\/\//i

/** Whether a text is the address of a file on a web server. */
export const isHttpUrl = (text: string): boolean => HTTP.test(text)

/** Where the main context is: a folder that exists wins over any other reading. */
export function mainLocation(text: string): FilesLocation {
  if (statSync(text, { throwIfNoEntry: false })?.isDirectory()) return { kind: 'folder', folder: text }
  const reference = parseGitUrl(text)
  if (reference) return { kind: 'git', url: text, reference }
  return isHttpUrl(text) ? { kind: 'http', url: text } : { kind: 'folder', folder: text }
}

/** The named contexts of a request by their keys. Fails as `namedLocation` and `contextKey` do. */
export function namedLocations(contexts: Readonly<Record<string, string>> = {}): Map<string, Location> {
  return new Map(Object.entries(contexts).map(([name, value]) => [contextKey(name), namedLocation(name, value)]))
}

/** What `--build-context name=value` stands for. Fails with `USAGE_INVALID` or `CONTEXT_MISSING`, in Docker's words. */
function namedLocation(name: string, value: string): Location {
  if (value.startsWith('docker-image://')) {
    const reference = value.slice('docker-image://'.length)
    return reference === 'scratch' ? { kind: 'scratch' } : { kind: 'image', reference }
  }
  if (value.startsWith('oci-layout://')) return layoutLocation(value)
  if (value.startsWith('target:')) {
    throw fail('USAGE_INVALID', `failed to find target ${value.slice('target:'.length)} for context ${name}`, {
      hint: 'A context that is a target of its own exists only in a bake file.',
    })
  }
  const reference = parseGitUrl(value)
  if (reference) return { kind: 'git', url: value, reference }
  if (isHttpUrl(value)) return { kind: 'http', url: value }
  const stat = statSync(value, { throwIfNoEntry: false })
  if (!stat && value === 'scratch') return { kind: 'scratch' }
  if (!stat) {
    const problem = `failed to get build context ${name}: stat ${value}: no such file or directory`
    throw fail('CONTEXT_MISSING', problem)
  }
  if (!stat.isDirectory()) {
    throw fail('CONTEXT_MISSING', `failed to get build context path ${value}: not a directory`)
  }
  return { kind: 'folder', folder: path.resolve(value) }
}

/** `oci-layout://folder[:tag][@digest]`; the digest wins. */
function layoutLocation(value: string): Location {
  const rest = value.slice('oci-layout://'.length)
  const [place = '', digest] = rest.split('@', 2)
  const cut = place.indexOf(':')
  const [folder, tag] = cut < 0 ? [place, 'latest'] : [place.slice(0, cut), place.slice(cut + 1)]
  return { kind: 'layout', folder: path.resolve(folder), ref: digest ?? tag }
}

/**
 * The one spelling of a context's name: as Docker shows an image name, without `:latest`; a `::platform` stays.
 * Fails with `USAGE_INVALID`.
 */
export function contextKey(name: string): string {
  const [image = '', platform] = name.split('::', 2)
  try {
    const key = familiarReference(parseReference(image)).replace(/:latest$/, '')
    return platform === undefined ? key : `${key}::${platform}`
  } catch (error) {
    if (!hasCode(error, 'REFERENCE_INVALID')) throw error
    throw fail('USAGE_INVALID', `invalid context name ${name}: ${error.message}`, { cause: error })
  }
}
