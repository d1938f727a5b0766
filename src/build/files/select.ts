import path from 'node:path'
import { type ByteString, fail, fromByteString, type SourceSpan, toByteString } from '../../core/index.ts'
import { hasWildcard, matchPath } from '../../dockerfile/index.ts'
import type { Entry } from '../../layer/index.ts'
import type { Excluded, Exclusion } from './exclude.ts'
import type { FileSource } from './source.ts'

/** An entry that COPY or ADD takes, and where it goes. */
export interface Selected {
  source: FileSource
  entry: Entry
  /** Below the destination; empty for a folder whose contents become the destination's. */
  name: ByteString
  /** Named by the user itself, not found below a folder that was. */
  top: boolean
  /** Out of an archive that is unpacked. */
  unpacked?: boolean
  /** A file below that an archive's hard link names: it goes, as it is, into the layer that links to it. */
  copiedUp?: boolean
  /** Downloaded, not the user's own. */
  fetched?: boolean
}

/**
 * The entries that one source path of COPY or ADD means. A folder stands for its contents; a symlink that is named
 * itself is followed; a pattern (Go's filepath.Match) may match nothing, a plain path must exist. Nothing outside of
 * the source can be named: `..` stops at its root.
 */
export function selectFiles(source: FileSource, pattern: string, options: SelectOptions = {}): Selected[] {
  return namedEntries(source, cleanPattern(pattern), options.span).flatMap(({ entry, name }) =>
    selectEntry(source, entry, { ...options, name }),
  )
}

/** How files are selected. */
export interface SelectOptions {
  /** Where the pattern stands. */
  span?: SourceSpan | undefined
  /** What is left out of folders; a file that is named itself is not asked about, as in Docker. */
  exclusion?: Exclusion | undefined
}

/** From the root of the source, which `..` does not leave. */
export function cleanPattern(pattern: string): string {
  return path.posix.normalize(`/${pattern}`).replace(/\/$/, '').slice(1)
}

/** What a clean pattern names, symlinks followed. Fails with `COPY_SOURCE_MISSING` for a plain path that is not there. */
export function namedEntries(
  source: FileSource,
  clean: string,
  span?: SourceSpan,
): { entry: Entry; name: ByteString }[] {
  const named = hasWildcard(clean) ? expand(source, clean) : [toByteString(clean)]
  return named.flatMap((name) => {
    const entry = source.stat(source.resolve(name))
    if (entry) return [{ entry, name }]
    if (hasWildcard(clean)) return []
    throw notFound(source, clean, span)
  })
}

/** An entry that was found, under the last part of its name: itself, or for a folder its contents. */
export function selectEntry(
  source: FileSource,
  entry: Entry,
  { name = entry.path, exclusion }: SelectOptions & { name?: ByteString } = {},
): Selected[] {
  if (entry.kind !== 'directory') return [{ source, entry, name: baseName(name), top: true }]
  return [{ source, entry, name: EMPTY, top: true }, ...below(source, entry, { exclusion })]
}

const EMPTY = toByteString('')

/** Where a walk begins: the name of the folder in what is copied, when it is not its root. */
interface Beginning {
  prefix?: ByteString
  exclusion?: Exclusion | undefined
  excluded?: Excluded | undefined
}

/** Everything below a folder, without recursion: a tree can be deeper than the stack. */
export function below(source: FileSource, folder: Entry, { prefix, exclusion, excluded }: Beginning = {}): Selected[] {
  const found: Selected[] = []
  const held = new Map<ByteString, Selected>()
  const cut = folder.path === '' ? 0 : folder.path.length + 1
  const folders: [Entry, Excluded | undefined][] = [[folder, excluded]]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of source.list(next[0].path)) {
      const rest = entry.path.slice(cut)
      const name = (prefix ? `${prefix}/${rest}` : rest) as ByteString
      const answer = exclusion?.of(name, next[1])
      const selected = { source, entry, name, top: false }
      if (entry.kind === 'directory' && (answer === undefined || answer.mayIncludeBelow)) folders.push([entry, answer])
      if (!answer?.excluded) found.push(selected)
      else if (entry.kind === 'directory' && answer.mayIncludeBelow) held.set(name, selected)
    }
  }
  return held.size === 0 ? found : [...foldersOf(found, held), ...found]
}

/** Of the folders that are left out themselves, those that something is in. */
export function foldersOf(found: readonly Selected[], held: ReadonlyMap<ByteString, Selected>): Selected[] {
  const needed = new Map<ByteString, Selected>()
  for (const { name } of found) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const folder = name.slice(0, at) as ByteString
      if (needed.has(folder)) break
      const selected = held.get(folder)
      if (selected) needed.set(folder, selected)
    }
  }
  return [...needed.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Level by level, as filepath.Match never lets a wildcard cross a slash. */
function expand(source: FileSource, pattern: string): ByteString[] {
  let folders: ByteString[] = [EMPTY]
  const steps = pattern.split('/')
  for (const [at, step] of steps.entries()) {
    const last = at === steps.length - 1
    folders = folders
      .flatMap((folder) => matchesIn(source, folder, step))
      .filter((found) => last || isFolder(source, found))
  }
  return folders
}

function matchesIn(source: FileSource, folder: ByteString, step: string): ByteString[] {
  if (!hasWildcard(step)) {
    const child = (folder === '' ? toByteString(step) : `${folder}/${toByteString(step)}`) as ByteString
    return source.stat(child) ? [child] : []
  }
  const pattern = toByteString(step)
  const entries = source.list(source.resolve(folder))
  return entries.map((entry) => entry.path).filter((found) => matchPath(pattern, baseName(found)))
}

function isFolder(source: FileSource, name: ByteString): boolean {
  return source.stat(source.resolve(name))?.kind === 'directory'
}

function baseName(name: ByteString): ByteString {
  return name.slice(name.lastIndexOf('/') + 1) as ByteString
}

/** The error for a path that is not there. */
export function notFound(source: FileSource, name: string, span?: SourceSpan): Error {
  const place = `"/${fromByteString(toByteString(name))}": not found ${source.where}`
  // the words that people search for; BuildKit's reference is a random name
  const message = `failed to compute cache key: failed to calculate checksum of ref: ${place}`
  return fail('COPY_SOURCE_MISSING', message, { ...(span ? { span } : {}), data: { path: name } })
}
