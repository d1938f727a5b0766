import { fail } from '../core/index.ts'
import { bareValue, defaultValues, type Flag, type Flags, setFlag } from './flags.ts'

/** What a command line was read into. */
export interface ParsedArguments {
  values: Record<string, unknown>
  given: Set<string>
  operands: string[]
  /** What stands after the first operand, unread; only with `stopsAtOperand`. */
  rest: string[]
  /** `--help` was there; `-h` means it too where the command has no such flag. */
  help: 'none' | 'long' | 'short'
  /** Deprecation notes to print before the command runs. */
  notes: string[]
}

/** How to read: with `stopsAtOperand` everything after the first operand is left alone. */
export interface GrammarOptions {
  stopsAtOperand?: boolean
}

/**
 * Reads arguments by the grammar of Docker's flags (GNU style as `spf13/pflag` has it): `--flag value`, `--flag=value`,
 * `--switch=false`, `-it`, `-p80:80`, `-p=80:80`; a value may begin with a dash; flags and operands mix; `--` ends the
 * flags. Fails with `USAGE_INVALID` and Docker's words.
 */
export function parseArguments(args: readonly string[], flags: Flags, options: GrammarOptions = {}): ParsedArguments {
  const parsed: ParsedArguments = {
    values: defaultValues(flags),
    given: new Set(),
    operands: [],
    rest: [],
    help: 'none',
    notes: [],
  }
  const reader: Reader = { args, position: 0, flags, shorts: shortNames(flags), parsed }
  while (reader.position < args.length) {
    const arg = args[reader.position++]!
    if (arg === '--') {
      parsed.operands.push(...args.slice(reader.position))
      break
    }
    if (arg.startsWith('--')) readLong(reader, arg)
    else if (arg.startsWith('-') && arg.length > 1) readShorts(reader, arg.slice(1))
    else {
      parsed.operands.push(arg)
      if (!options.stopsAtOperand) continue
      parsed.rest.push(...args.slice(reader.position))
      break
    }
  }
  return parsed
}

interface Reader {
  args: readonly string[]
  position: number
  flags: Flags
  shorts: ReadonlyMap<string, string>
  parsed: ParsedArguments
}

function shortNames(flags: Flags): Map<string, string> {
  const pairs = Object.entries(flags).flatMap(([name, flag]) =>
    flag.short === undefined ? [] : [[flag.short, name] as const],
  )
  return new Map(pairs)
}

function readLong(reader: Reader, arg: string): void {
  const body = arg.slice(2)
  if (body.startsWith('-') || body.startsWith('=')) throw fail('USAGE_INVALID', `bad flag syntax: ${arg}`)
  const equals = body.indexOf('=')
  const name = equals < 0 ? body : body.slice(0, equals)
  const value = equals < 0 ? undefined : body.slice(equals + 1)
  if (!Object.hasOwn(reader.flags, name)) {
    if (name === 'help') {
      reader.parsed.help = value === 'false' ? 'none' : 'long'
      return
    }
    throw fail('USAGE_INVALID', `unknown flag: --${name}`)
  }
  const flag = reader.flags[name]!
  assign(reader, name, value ?? bareValue(flag) ?? takeValue(reader, `--${name}`))
}

/** A cluster: switches one by one, until a flag that takes the rest, or the next argument, as its value. */
function readShorts(reader: Reader, cluster: string): void {
  let rest = cluster
  while (rest !== '') {
    const letter = String.fromCodePoint(rest.codePointAt(0)!)
    const after = rest.slice(letter.length)
    const name = reader.shorts.get(letter)
    if (name === undefined) {
      if (letter !== 'h') throw fail('USAGE_INVALID', `unknown shorthand flag: '${letter}' in -${rest}`)
      reader.parsed.help = 'short'
      rest = after
      continue
    }
    rest = readShort(reader, { name, flag: reader.flags[name]!, rest, after })
  }
}

function readShort(reader: Reader, at: { name: string; flag: Flag; rest: string; after: string }): string {
  const { name, flag, rest, after } = at
  const bare = bareValue(flag)
  if (after.length > 1 && after.startsWith('=')) assign(reader, name, after.slice(1))
  else if (bare !== undefined) {
    assign(reader, name, bare)
    return after
  } else if (after !== '') assign(reader, name, after)
  else assign(reader, name, takeValue(reader, `'${rest[0]}' in -${rest}`))
  return ''
}

function takeValue(reader: Reader, shown: string): string {
  if (reader.position >= reader.args.length) throw fail('USAGE_INVALID', `flag needs an argument: ${shown}`)
  return reader.args[reader.position++]!
}

function assign(reader: Reader, name: string, text: string): void {
  const flag = reader.flags[name]!
  setFlag(reader.parsed.values, name, flag, text)
  reader.parsed.given.add(name)
  if (flag.deprecated !== undefined) reader.parsed.notes.push(`Flag --${name} has been deprecated, ${flag.deprecated}`)
}
