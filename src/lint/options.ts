import { fail, notGoBool, parseGoBool, quoteGo, type SourceSpan } from '../core/index.ts'
import type { Directive } from '../dockerfile/index.ts'
import type { RuleHead } from './rule.ts'

/** Which rules run, and whether what they find is an error: what `# check=` says. */
export interface CheckOptions {
  readonly skip: readonly string[] | 'all'
  /** Experimental rules that run all the same; `skip` does not concern them. */
  readonly experimental: readonly string[] | 'all'
  readonly error: boolean
}

/** What holds when nothing is said. */
export const DEFAULT_OPTIONS: CheckOptions = { skip: [], experimental: [], error: false }

/**
 * Reads `skip=A,B;error=true;experimental=all`. Of three parts, the last takes the rest of the text, as in BuildKit.
 * Fails with `CHECK_INVALID` and BuildKit's words.
 */
export function parseCheckOptions(text: string): CheckOptions {
  const trimmed = text.trim()
  if (trimmed === '') return DEFAULT_OPTIONS
  const [first, second, ...rest] = trimmed.split(';')
  const parts = [first!, ...(second === undefined ? [] : [second]), ...(rest.length > 0 ? [rest.join(';')] : [])]
  return parts.reduce<CheckOptions>(withPart, DEFAULT_OPTIONS)
}

function withPart(options: CheckOptions, part: string): CheckOptions {
  const cut = part.indexOf('=')
  if (cut < 0) throw fail('CHECK_INVALID', `invalid check option ${quoteGo(part)}`, { hint: HINT })
  const key = part.slice(0, cut).trim()
  const value = part.slice(cut + 1).trim()
  switch (key) {
    case 'skip':
    case 'experimental':
      return { ...options, [key]: value === 'all' ? 'all' : value.split(',').map((name) => name.trim()) }
    case 'error':
      return { ...options, error: truthOf(value, part) }
    default:
      throw fail('CHECK_INVALID', `invalid check option ${quoteGo(key)}`, { hint: HINT })
  }
}

const HINT = 'Options are skip=RULE,..., error=true and experimental=RULE,..., with ";" between them.'

function truthOf(value: string, part: string): boolean {
  const truth = parseGoBool(value)
  if (truth !== undefined) return truth
  throw fail('CHECK_INVALID', `failed to parse check option ${quoteGo(part)}: ${notGoBool(value)}`, { hint: HINT })
}

/**
 * The options of a Dockerfile: those of the build argument BUILDKIT_DOCKERFILE_CHECK, else of its directive.
 * Fails with `CHECK_INVALID`, and says which of the two is wrong.
 */
export function checkOptionsOf(directives: readonly Directive[], override: string | undefined): CheckOptions {
  if (override !== undefined) return parseNamed(override, 'build-arg:BUILDKIT_DOCKERFILE_CHECK')
  const directive = directives.find(({ name }) => name === 'check')
  // as in BuildKit, a directive ends at the first space: `skip=A, B` skips A alone
  return directive ? parseNamed(directive.text.split(' ', 1)[0]!, 'check options', directive.span) : DEFAULT_OPTIONS
}

function parseNamed(text: string, what: string, span?: SourceSpan): CheckOptions {
  try {
    return parseCheckOptions(text)
  } catch (cause) {
    const { message } = cause as Error
    throw fail('CHECK_INVALID', `failed to parse ${what}: ${message}`, { cause, hint: HINT, ...(span ? { span } : {}) })
  }
}

/**
 * The options with what the comment lines `# check=...` right above an instruction add for it. One that cannot be read
 * is a comment like any other.
 */
export function withComments(options: CheckOptions, comments: readonly { text: string }[]): CheckOptions {
  return comments.reduce((merged, { text }) => {
    const match = /^#*\s*check=(.*)$/i.exec(text)
    return match ? merge(merged, tryParse(match[1]!)) : merged
  }, options)
}

function tryParse(text: string): CheckOptions {
  try {
    return parseCheckOptions(text)
  } catch {
    return DEFAULT_OPTIONS
  }
}

function merge(a: CheckOptions, b: CheckOptions): CheckOptions {
  const both = (one: CheckOptions['skip'], other: CheckOptions['skip']): CheckOptions['skip'] =>
    one === 'all' || other === 'all' ? 'all' : [...one, ...other]
  return {
    skip: both(a.skip, b.skip),
    experimental: both(a.experimental, b.experimental),
    error: a.error || b.error,
  }
}

/** Whether a rule runs. */
export function isEnabled({ skip, experimental }: CheckOptions, rule: RuleHead): boolean {
  const names = rule.experimental ? experimental : skip
  const isNamed = names === 'all' || names.includes(rule.name)
  return rule.experimental ? isNamed : !isNamed
}
