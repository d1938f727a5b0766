import type { PathFilter } from '../../../build/index.ts'
import { type ByteString, fromByteString, type SourceFile } from '../../../core/index.ts'
import { createIgnoreMatcher, type IgnoreMatch, type IgnorePattern, parseIgnore } from '../../../dockerfile/index.ts'

/** Which files of a context take part, and the file that says so. */
export interface Ignore {
  name: string
  filter: PathFilter
  /** Whether one of its patterns brings files back. */
  hasExceptions: boolean
}

/** The rules of a `.dockerignore`; `undefined` when it has none. Fails with `PATTERN_INVALID`. */
export function readIgnore(source: SourceFile): Ignore | undefined {
  const patterns = parseIgnore(source)
  if (patterns.length === 0) return undefined
  const hasExceptions = patterns.some(({ text }) => text.startsWith('!'))
  return { name: source.name, filter: createFilter(patterns), hasExceptions }
}

/** Answers for a path follow from the answer for its folder, so each folder is asked once. */
function createFilter(patterns: readonly IgnorePattern[]): PathFilter {
  const matcher = createIgnoreMatcher(patterns)
  const folders = new Map<string, IgnoreMatch>()
  const matchOf = (path: string): IgnoreMatch => {
    const known = folders.get(path)
    if (known) return known
    const cut = path.lastIndexOf('/')
    return matcher.match(path, cut < 0 ? undefined : matchOf(path.slice(0, cut)))
  }
  const folderMatch = (path: string): IgnoreMatch => {
    const match = matchOf(path)
    folders.set(path, match)
    return match
  }
  return {
    excludes: (bytes: ByteString) => matchOf(fromByteString(bytes)).excluded,
    mayIncludeBelow(bytes: ByteString) {
      const path = fromByteString(bytes)
      return matcher.mayIncludeBelow(path, folderMatch(path))
    },
  }
}
