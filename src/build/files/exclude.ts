import { type ByteString, fromByteString } from '../../core/index.ts'
import { createIgnoreMatcher, type IgnoreMatch } from '../../dockerfile/index.ts'

/** What `--exclude` leaves out of a folder, asked on the way down. */
export interface Exclusion {
  /** The answer for an entry of a folder, given the folder's own; `name` is relative to what is copied. */
  of(name: ByteString, parent: Excluded | undefined): Excluded
}

/** Whether an entry is left out, and whether something below it may be in all the same. */
export interface Excluded {
  readonly excluded: boolean
  readonly mayIncludeBelow: boolean
  readonly match: IgnoreMatch
}

/** Compiles the patterns of `--exclude`, which mean what lines of a `.dockerignore` mean. Fails with `PATTERN_INVALID`. */
export function createExclusion(patterns: readonly string[]): Exclusion | undefined {
  if (patterns.length === 0) return undefined
  const matcher = createIgnoreMatcher(patterns)
  return {
    of(name, parent) {
      const path = fromByteString(name)
      const match = matcher.match(path, parent?.match)
      return { excluded: match.excluded, mayIncludeBelow: matcher.mayIncludeBelow(path, match), match }
    },
  }
}
