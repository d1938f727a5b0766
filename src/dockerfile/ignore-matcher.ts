import { fail, type SourceSpan, toByteString } from '../core/index.ts'
import { buildAutomaton, type GlobAutomaton } from './glob-automaton.ts'
import { GlobError, parseGlob } from './glob-syntax.ts'
import type { IgnorePattern } from './ignore.ts'
import { located } from './locate.ts'
import { matchPath } from './match-path.ts'
import { cleanPath } from './path.ts'
import { trimSpace } from './space.ts'

/** What the patterns say of one path. */
export interface IgnoreMatch {
  readonly excluded: boolean
  /** The pattern that decided, as an index into the list; none if no pattern matched. */
  readonly pattern?: number
  /** By pattern: whether it matched the path or a directory above it. For the paths below. */
  readonly matched: readonly boolean[]
}

/** Compiled patterns of a `.dockerignore`, or of `--exclude` flags. */
export interface IgnoreMatcher {
  /** Whether any pattern brings files back. */
  readonly hasExceptions: boolean
  /** Whether a path is excluded, by a pattern that matches it or any directory above it. */
  excludes(path: string): boolean
  /**
   * The answer for a path in a walk, given that for the directory above it. Without one it is that of `excludes`,
   * which can differ in rare lists: `a/b` then `!a` brings `a/b` back there, and does not in a walk of `a`.
   */
  match(path: string, parent?: IgnoreMatch): IgnoreMatch
  /** Whether anything below a directory can be included although the directory is not: false means "do not enter". */
  mayIncludeBelow(directory: string, match: IgnoreMatch): boolean
}

interface Pattern {
  readonly isException: boolean
  /** Compiled at first use, as in Docker: what is never asked never fails. */
  readonly test: () => PathTest
}

/** What one pattern says of a path, and of paths below a directory (given with its slash). */
interface PathTest {
  matches(path: string): boolean
  mayMatchBelow(prefix: string): boolean
}

/**
 * Compiles patterns with the meaning of Docker's `.dockerignore`: each matches whole paths, a pattern that matches a
 * directory counts for all below it, the last one that matches decides, and `!` brings files back.
 * Paths are relative to the context, with slashes. Fails with `PATTERN_INVALID` here or at the first match.
 * Matching is linear in the path and in the number of patterns.
 */
export function createIgnoreMatcher(patterns: readonly (string | IgnorePattern)[]): IgnoreMatcher {
  const compiled = patterns.map(preparePattern)
  const hasExceptions = compiled.some((pattern) => pattern?.isException === true)
  return {
    hasExceptions,
    excludes: (path) => matchAll(compiled, path).excluded,
    match: (path, parent) => matchAll(compiled, path, parent),
    mayIncludeBelow: (directory, found) => !found.excluded || mayReinclude(compiled, `${directory}/`, found),
  }
}

function matchAll(patterns: readonly (Pattern | undefined)[], path: string, parent?: IgnoreMatch): IgnoreMatch {
  const paths = parent ? [path] : [path, ...directoriesOf(path)]
  const matched: boolean[] = []
  let excluded = false
  let decided: number | undefined
  for (const [i, pattern] of patterns.entries()) {
    // A pattern that would change nothing is not asked, and does not count as matched for what lies below.
    const matches =
      pattern !== undefined &&
      (parent?.matched[i] === true || (pattern.isException === excluded && matchesAny(pattern.test(), paths)))
    matched.push(matches)
    if (!matches) continue
    excluded = !pattern.isException
    decided = i
  }
  return { excluded, matched, ...(decided === undefined ? {} : { pattern: decided }) }
}

function matchesAny(test: PathTest, paths: readonly string[]): boolean {
  for (const path of paths) if (test.matches(path)) return true
  return false
}

/** `a` and `a/b` for `a/b/c`. */
function directoriesOf(path: string): string[] {
  const directories: string[] = []
  for (let slash = path.indexOf('/', 1); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    directories.push(path.slice(0, slash))
  }
  return directories
}

/** Only an exception after the pattern that excluded the directory can bring something below it back. */
function mayReinclude(
  patterns: readonly (Pattern | undefined)[],
  prefix: string,
  { pattern = -1 }: IgnoreMatch,
): boolean {
  return patterns.some((other, i) => i > pattern && other?.isException === true && other.test().mayMatchBelow(prefix))
}

/** Nothing for an empty pattern, which keeps its index and matches nothing. */
function preparePattern(pattern: string | IgnorePattern): Pattern | undefined {
  const { text, span } = typeof pattern === 'string' ? { text: pattern } : pattern
  const trimmed = trimSpace(text)
  if (trimmed === '') return undefined
  const clean = cleanPath(trimmed)
  const isException = clean.startsWith('!')
  if (clean === '!') {
    throw fail('PATTERN_INVALID', 'illegal exclusion pattern: "!"', {
      ...(span ? { span } : {}),
      hint: 'Write a pattern after the !.',
    })
  }
  const path = isException ? clean.slice(1) : clean
  // Docker tries each pattern on the name `.` to find mistakes early; what this overlooks fails at the first match.
  withPlace(span, () => matchPath(toByteString(path), toByteString('.')))
  let test: PathTest | undefined
  return { isException, test: () => (test ??= withPlace(span, () => compilePattern(path))) }
}

function compilePattern(pattern: string): PathTest {
  const { form, expression } = translate(pattern)
  if (form === 'exact') {
    return { matches: (path) => path === pattern, mayMatchBelow: (prefix) => pattern.startsWith(prefix) }
  }
  if (form === 'prefix') {
    const start = pattern.slice(0, -2)
    return {
      matches: (path) => path.startsWith(start),
      mayMatchBelow: (prefix) => prefix.startsWith(start) || start.startsWith(prefix),
    }
  }
  if (form === 'suffix') {
    const end = pattern.slice(2)
    const whole = end.startsWith('/') ? end.slice(1) : undefined
    return { matches: (path) => path.endsWith(end) || path === whole, mayMatchBelow: () => true }
  }
  return automatonOf(expression)
}

function automatonOf(expression: string): GlobAutomaton {
  try {
    return buildAutomaton(parseGlob(expression))
  } catch (error) {
    if (!(error instanceof GlobError)) throw error
    throw fail('PATTERN_INVALID', 'syntax error in pattern', { cause: error })
  }
}

type Form = 'exact' | 'prefix' | 'suffix' | 'expression'

/**
 * moby/patternmatcher's translation to a regular expression, and the simple forms that it keeps apart: a pattern
 * without special characters, `dir/**`, and one whose only special part is `**` at its beginning.
 */
function translate(pattern: string): { form: Form; expression: string } {
  let form: Form = 'exact'
  let expression = '^'
  for (let at = 0; at < pattern.length; ) {
    const [source, part, isPlain] = readSpecial(pattern, at)
    const isEnd = at + source.length === pattern.length
    if (source.startsWith('**')) {
      form = at === 0 ? 'suffix' : isEnd && form === 'exact' ? 'prefix' : 'expression'
      expression += isEnd ? '.*' : '(.*/)?'
    } else {
      if (!isPlain) form = 'expression'
      expression += part
    }
    at += source.length
  }
  return { form, expression: `${expression}$` }
}

/** The next piece of a pattern, its translation, and whether it is an ordinary character. */
function readSpecial(pattern: string, at: number): [source: string, part: string, isPlain: boolean] {
  const char = String.fromCodePoint(pattern.codePointAt(at)!)
  if (pattern.startsWith('**', at)) return [pattern[at + 2] === '/' ? '**/' : '**', '', false]
  if (char === '*') return [char, '[^/]*', false]
  if (char === '?') return [char, '[^/]', false]
  if (char === '[' || char === ']') return [char, char, false]
  if (char === '\\' && at + 1 < pattern.length) {
    const escaped = `\\${String.fromCodePoint(pattern.codePointAt(at + 1)!)}`
    return [escaped, escaped, false]
  }
  return [char, '.+()|{}$'.includes(char) ? `\\${char}` : char, true]
}

function withPlace<T>(span: SourceSpan | undefined, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw span ? located(error, span) : error
  }
}
