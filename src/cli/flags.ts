import { fail, formatDuration, messageOf, notGoBool, parseDuration, parseGoBool } from '../core/index.ts'
import { parseSize } from './render/sizes.ts'

interface FlagBase {
  /** One letter, without the dash. */
  short?: string
  /** What the flag does, in a sentence without a full stop, as `--help` shows it. */
  about: string
  /** The word for its value in `--help`, where Docker has another one than the kind's. */
  placeholder?: string
  /** Accepted, but not shown. */
  hidden?: true
  /** Accepted with a warning that says what to do instead. */
  deprecated?: string
  /** What completes its value on the command line. */
  completes?: CompletionKind
}

/** What a shell can complete: names that `slipway __complete` knows, or files. */
export type CompletionKind = 'image' | 'container' | 'volume' | 'network' | 'file' | 'directory'

/** A flag by the kind of its value. `check` throws (any error) when a value makes no sense; its message is shown. */
export type Flag =
  | (FlagBase & { kind: 'bool'; default?: boolean })
  | (FlagBase & { kind: 'string'; default?: string; bare?: string; check?(text: string): void })
  | (FlagBase & { kind: 'choice'; choices: readonly string[]; default?: string })
  | (FlagBase & { kind: 'int'; default?: number; min?: number; max?: number })
  | (FlagBase & { kind: 'list'; check?(text: string): void })
  | (FlagBase & { kind: 'csv' })
  | (FlagBase & { kind: 'map' })
  | (FlagBase & { kind: 'size'; default?: number })
  | (FlagBase & { kind: 'duration'; default?: number })

/** The flags of a command by name, without dashes. */
export type Flags = Readonly<Record<string, Flag>>

/**
 * What a command gets for a flag: `list` and `csv` are arrays (a `csv` is also split at commas), `map` keeps the order
 * of its keys, `size` is bytes, `duration` milliseconds. Without a default a value that was not given is undefined.
 */
export type FlagValue<F extends Flag> = F extends { kind: 'bool' }
  ? boolean
  : F extends { kind: 'list' | 'csv' }
    ? string[]
    : F extends { kind: 'map' }
      ? Map<string, string>
      : F extends { kind: 'string' | 'choice' }
        ? F extends { default: string }
          ? string
          : string | undefined
        : F extends { default: number }
          ? number
          : number | undefined

/** The values of all flags of a command. */
export type FlagValues<F extends Flags> = { -readonly [K in keyof F]: FlagValue<F[K]> }

/** The values before the command line is read. */
export function defaultValues(flags: Flags): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, defaultValue(flag)]))
}

function defaultValue(flag: Flag): unknown {
  switch (flag.kind) {
    case 'bool':
      return flag.default ?? false
    case 'list':
    case 'csv':
      return []
    case 'map':
      return new Map<string, string>()
    default:
      return flag.default
  }
}

/** The value that a flag has when it is given without one (`--rm`), or undefined when it needs one. */
export function bareValue(flag: Flag): string | undefined {
  if (flag.kind === 'bool') return 'true'
  return flag.kind === 'string' ? flag.bare : undefined
}

/**
 * Reads one use of a flag into the values; lists and maps grow. Fails with `USAGE_INVALID`:
 * `invalid argument "x" for "-n, --last" flag: ...`.
 */
export function setFlag(values: Record<string, unknown>, name: string, flag: Flag, text: string): void {
  try {
    values[name] = readValue(flag, text, values[name])
  } catch (error) {
    const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`
    throw fail('USAGE_INVALID', `invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${messageOf(error)}`)
  }
}

function readValue(flag: Flag, text: string, old: unknown): unknown {
  switch (flag.kind) {
    case 'bool':
      return parseBool(text)
    case 'int':
      return parseInteger(text, flag.min ?? Number.MIN_SAFE_INTEGER, flag.max ?? Number.MAX_SAFE_INTEGER)
    case 'size':
      return parseSize(text)
    case 'duration':
      return parseDuration(text) / 1e6
    case 'choice':
      return checkChoice(text, flag.choices)
    case 'csv':
      return [...(old as string[]), ...(text === '' ? [] : text.split(','))]
    case 'map':
      return addPair(old as Map<string, string>, text)
    case 'list':
      flag.check?.(text)
      return [...(old as string[]), text]
    default:
      flag.check?.(text)
      return text
  }
}

function parseBool(text: string): boolean {
  const truth = parseGoBool(text)
  if (truth === undefined) throw new Error(notGoBool(text))
  return truth
}

/** Go's integers: decimal, `0x`, `0o`, `0b` and the old octal with a leading zero. */
function parseInteger(text: string, min: number, max: number): number {
  const parser = `strconv.Parse${min === 0 ? 'Uint' : 'Int'}: parsing ${JSON.stringify(text)}`
  if (!/^[+-]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/.test(text))
    throw new Error(`${parser}: invalid syntax`)
  const size = Number(text.replace(/^[+-]/, '').replace(/^0(?=[0-7])/, '0o'))
  const value = text.startsWith('-') ? -size : size
  if (min === 0 && value < 0) throw new Error(`${parser}: invalid syntax`)
  if (value < min || value > max) throw new Error(`${parser}: value out of range`)
  return value
}

function checkChoice(text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text
  throw new Error(`must be one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`)
}

/** `key=value`; a key alone has an empty value. */
function addPair(map: Map<string, string>, text: string): Map<string, string> {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  if (key === '') throw new Error('key cannot be empty')
  return new Map(map).set(key, equals < 0 ? '' : text.slice(equals + 1))
}

const PLACEHOLDERS: Readonly<Record<Exclude<Flag['kind'], 'bool'>, string>> = {
  string: 'string',
  choice: 'string',
  int: 'int',
  list: 'list',
  csv: 'strings',
  map: 'map',
  size: 'bytes',
  duration: 'duration',
}

/** The word that stands for a flag's value in `--help`; `''` for a switch. */
export function placeholderOf(flag: Flag): string {
  return flag.placeholder ?? (flag.kind === 'bool' ? '' : PLACEHOLDERS[flag.kind])
}

/** The default as `--help` shows it: strings quoted, nothing for zero values. */
export function defaultText(flag: Flag): string {
  if (!('default' in flag) || flag.default === undefined) return ''
  if (typeof flag.default === 'string') return flag.default === '' ? '' : JSON.stringify(flag.default)
  if (flag.kind === 'duration') return flag.default === 0 ? '' : formatDuration(flag.default * 1e6)
  return flag.default === false || flag.default === 0 ? '' : String(flag.default)
}
