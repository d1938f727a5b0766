import { fail, parseGoBool, quoteGo } from '../core/index.ts'
import { CsvError, parseCsvLine } from './csv.ts'
import { located } from './locate.ts'
import type { Token } from './logical-line.ts'
import { parseMemorySize } from './memory-size.ts'
import { didYouMean } from './suggest.ts'

const TYPES = ['bind', 'cache', 'secret', 'ssh', 'tmpfs'] as const
const SHARINGS = ['locked', 'private', 'shared'] as const

/** What RUN sees at a place of its file system, from `--mount`. */
export interface Mount {
  readonly type: (typeof TYPES)[number]
  /** Image, stage or named context; the build context if absent. */
  readonly from?: string
  readonly source?: string
  readonly target?: string
  readonly readOnly: boolean
  /** Of a tmpfs, in bytes. */
  readonly size?: number
  /** Of a cache, secret or ssh agent. */
  readonly id?: string
  readonly sharing?: (typeof SHARINGS)[number]
  /** Whether a secret or ssh agent that is not there is an error. */
  readonly required: boolean
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** The variable that a secret goes into. */
  readonly env?: string
}

/** A device that RUN may use, from `--device`. */
export interface Device {
  readonly name: string
  readonly required: boolean
}

/** One part of a value, between commas. */
interface Field {
  readonly text: string
  /** In lower case. */
  readonly key: string
  /** Absent without `=`. */
  readonly value?: string
}

/** A mount under construction; `readOnly` is decided at the end unless it is said. */
type Draft = { -readonly [K in keyof Mount]?: Mount[K] } & { type: Mount['type'] }

type SetField = (draft: Draft, value: string, field: Field) => void

/** Finds `from=` in the value of `--mount` without understanding the rest, which may hold variables. */
export function checkMountFrom(value: Token): { from?: string } {
  return atToken(value, () => {
    const from = fieldsOf(value.text, 'mounts').findLast(
      ({ key, value }) => key === 'from' && value !== undefined,
    )?.value
    if (from === undefined) return {}
    if (/\$./.test(from)) throw invalid("'from' doesn't support variable expansion, define alias stage instead")
    return { from }
  })
}

/**
 * Understands the value of `--mount`. `expandValue` expands the variables in the value of each key.
 * Fails with `MOUNT_INVALID` and BuildKit's words. Whether target and source make sense is for the builder to say.
 */
export function parseMount(value: Token, expandValue: (value: string) => string): Mount {
  return atToken(value, () => {
    const draft: Draft = { type: 'bind' }
    for (const field of fieldsOf(value.text, 'mounts')) setField(draft, field, expandValue)
    return finish(draft)
  })
}

/** Understands the value of `--device`. Fails with `MOUNT_INVALID`. */
export function parseDevice(value: Token): Device {
  return atToken(value, () => {
    let name = ''
    let required = false
    for (const field of fieldsOf(value.text, 'devices')) {
      if (field.key === 'required') required = field.value === undefined || truthOf(field)
      else if (field.key === 'name' && field.value !== undefined) {
        if (name !== '') throw invalid(`device name already set to ${name}`)
        name = field.value
      } else if (name === '') name = field.text
      else throw field.value === undefined ? notPair(field) : unexpected(field, ['name', 'required'])
    }
    return { name, required }
  })
}

function fieldsOf(text: string, what: string): Field[] {
  try {
    return parseCsvLine(text).map((field) => {
      const equals = field.indexOf('=')
      if (equals < 0) return { text: field, key: field.toLowerCase() }
      return { text: field, key: field.slice(0, equals).toLowerCase(), value: field.slice(equals + 1) }
    })
  } catch (error) {
    throw error instanceof CsvError ? invalid(`failed to parse csv ${what}: ${error.message}`) : error
  }
}

/** In BuildKit's order, which decides between two suggestions that are as good. */
const KEYS =
  'type from source target readonly id sharing required size mode uid gid src dst destination ro rw readwrite env'.split(
    ' ',
  )

const SETTERS = new Map<string, SetField>()
const on = (keys: string, set: SetField): void => {
  for (const key of keys.split(' ')) SETTERS.set(key, set)
}

on('type', (draft, value) => {
  draft.type = choose(TYPES, value, 'mount type')
})
on('from', (draft, value) => {
  draft.from = value
})
on('source src', (draft, value) => {
  draft.source = value
})
on('target dst destination', (draft, value) => {
  draft.target = value
})
on('id', (draft, value) => {
  draft.id = value
})
on('env', (draft, value) => {
  draft.env = value
})
on('readonly ro', (draft, _, field) => {
  draft.readOnly = truthOf(field)
})
on('readwrite rw', (draft, _, field) => {
  draft.readOnly = !truthOf(field)
})
on('required', (draft, _, field) => {
  if (draft.type !== 'secret' && draft.type !== 'ssh') throw notForType(draft, field)
  draft.required = truthOf(field)
})
on('size', (draft, value, field) => {
  if (draft.type !== 'tmpfs') throw notForType(draft, field)
  const size = parseMemorySize(value)
  if (size === undefined) throw badValue(field)
  draft.size = size
})
on('sharing', (draft, value) => {
  draft.sharing = choose(SHARINGS, value, 'sharing value')
})
on('mode', (draft, value, { key }) => {
  draft.mode = numberOf(value, 8, key)
})
on('uid', (draft, value, { key }) => {
  draft.uid = numberOf(value, 10, key)
})
on('gid', (draft, value, { key }) => {
  draft.gid = numberOf(value, 10, key)
})

function setField(draft: Draft, field: Field, expandValue: (value: string) => string): void {
  const { key, value } = field
  if (value !== undefined) {
    const expanded = expandValue(value)
    const set = SETTERS.get(key)
    if (!set) throw unexpected(field, KEYS)
    set(draft, expanded, { ...field, value: expanded })
  } else if (key === 'readonly' || key === 'ro') draft.readOnly = true
  else if (key === 'readwrite' || key === 'rw') draft.readOnly = false
  else if (key === 'required') SETTERS.get(key)!(draft, 'true', { ...field, value: 'true' })
  else throw notPair(field)
}

function finish(draft: Draft): Mount {
  const { type } = draft
  const hasOwner = type === 'secret' || type === 'ssh' || type === 'cache'
  for (const key of ['mode', 'uid', 'gid'] as const) {
    if (draft[key] !== undefined && !hasOwner) throw invalid(`${key} not allowed for ${quoteGo(type)} type mounts`)
  }
  if (type === 'secret') checkSecret(draft)
  if (draft.sharing !== undefined && type !== 'cache') throw invalid(`invalid cache sharing set for ${type} mount`)
  const readOnly = draft.readOnly ?? (type !== 'cache' && type !== 'tmpfs')
  return { ...draft, readOnly, required: draft.required ?? false }
}

function checkSecret({ from, sharing, source, target, id }: Draft): void {
  if (from) throw invalid('secret mount should not have a from')
  if (sharing !== undefined) throw invalid('secret mount should not define sharing')
  if (!source && !target && !id) throw invalid('invalid secret mount. one of source, target required')
  if (source && id) throw invalid("both source and id can't be set")
}

function choose<T extends string>(choices: readonly T[], value: string, what: string): T {
  const choice = choices.find((choice) => choice === value.toLowerCase())
  if (choice === undefined) throw invalid(`unsupported ${what} ${quoteGo(value)}${didYouMean(value, choices)}`)
  return choice
}

function truthOf(field: Field): boolean {
  const truth = parseGoBool(field.value ?? '')
  if (truth === undefined) throw badValue(field)
  return truth
}

function numberOf(text: string, base: 8 | 10, key: string): number {
  const number = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text) ? Number.parseInt(text, base) : Number.NaN
  if (!(number <= 0xffffffff)) throw invalid(`invalid value ${text} for ${key}`)
  return number
}

function unexpected({ key, text }: Field, keys: readonly string[]): Error {
  return invalid(`unexpected key '${key}' in '${text}'${didYouMean(key, keys)}`)
}

function notForType({ type }: Draft, { key }: Field): Error {
  return invalid(`unexpected key '${key}' for mount type '${type}'`)
}

function notPair({ text }: Field): Error {
  return invalid(`invalid field '${text}' must be a key=value pair`)
}

function badValue({ key, value }: Field): Error {
  return invalid(`invalid value for ${key}: ${value}`)
}

function invalid(message: string): Error {
  return fail('MOUNT_INVALID', message)
}

function atToken<T>({ span }: Token, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw located(error, span)
  }
}
