import path from 'node:path'
import { type ByteString, fail, fromByteString, type SourceSpan, toByteString } from '../../core/index.ts'
import { matchPath } from '../../dockerfile/index.ts'
import type { Entry } from '../../layer/index.ts'
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
}

/**
 * The entries that one source path of COPY or ADD means. A folder stands for its contents; a symlink that is named
 * itself is followed; a pattern (Go's filepath.Match) may match nothing, a plain path must exist. Nothing outside of
 * the source can be named: `..` stops at its root.
 */
export function selectFiles(source: FileSource, pattern: string, span?: SourceSpan): Selected[] {
  const clean = path.posix.normalize(`/${pattern}`).replace(/\/$/, '').slice(1)
  const named = hasWildcard(clean) ? expand(source, clean) : [toByteString(clean)]
  return named.flatMap((name) => {
    const entry = source.stat(source.resolve(name))
    if (entry) return selectEntry(source, entry, name)
    if (hasWildcard(clean)) return []
    throw notFound(source, clean, span)
  })
}

/** An entry that was found, under the last part of `name`: itself, or for a folder its contents. */
export function selectEntry(source: FileSource, entry: Entry, name: ByteString = entry.path): Selected[] {
  if (entry.kind !== 'directory') return [{ source, entry, name: baseName(name), top: true }]
  return [{ source, entry, name: EMPTY, top: true }, ...below(source, entry)]
}

const EMPTY = toByteString('')

/** Everything below a folder, without recursion: a tree can be deeper than the stack. */
function below(source: FileSource, folder: Entry): Selected[] {
  const found: Selected[] = []
  const cut = folder.path === '' ? 0 : folder.path.length + 1
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of source.list(at.path)) {
      found.push({ source, entry, name: entry.path.slice(cut) as ByteString, top: false })
      if (entry.kind === 'directory') folders.push(entry)
    }
  }
  return found
}

const hasWildcard = (pattern: string): boolean => /[*?[\\]/.test(pattern)

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
  const message = `"/${fromByteString(toByteString(name))}": not found ${source.where}`
  return fail('COPY_SOURCE_MISSING', message, { ...(span ? { span } : {}), data: { path: name } })
}
