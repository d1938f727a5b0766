import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { parse as parseToml, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { errnoOf, fail, hasCode, isJsonObject, parseJson, type SlipwayError } from '../../core/index.ts'
import { jsonErrorOffset } from './json-error.ts'

/** A configuration file as it was read. */
export interface ConfigFile {
  readonly path: string
  readonly bytes: Buffer
}

/** Larger than any configuration that a person or a tool writes; what is larger is not read. */
const MAX_BYTES = 1 << 20
const MAX_DEPTH = 32

/** A file that is not there, or whose folder is not one, is `undefined`. Fails with `REGISTRY_CONFIG_INVALID`. */
export function readConfigFile(path: string): ConfigFile | undefined {
  try {
    return { path, bytes: readCapped(path) }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    if (hasCode(error, 'REGISTRY_CONFIG_INVALID')) throw error
    const hint = errno === 'EACCES' ? { hint: 'change who may read it, or run as the user that it belongs to' } : {}
    throw fail('REGISTRY_CONFIG_INVALID', `${path} cannot be read (${errno ?? 'unknown error'})`, {
      cause: error,
      ...hint,
    })
  }
}

/** A pipe or a device in place of a file is refused before it can keep anyone waiting. */
function readCapped(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw fail('REGISTRY_CONFIG_INVALID', `${path} is not a file`)
    if (stat.size > MAX_BYTES) throw fail('REGISTRY_CONFIG_INVALID', `${path} is larger than ${MAX_BYTES} bytes`)
    const buffer = Buffer.alloc(stat.size)
    let size = 0
    for (let read = -1; read !== 0 && size < buffer.length; size += read)
      read = readSync(fd, buffer, size, buffer.length - size, size)
    return buffer.subarray(0, size)
  } finally {
    closeSync(fd)
  }
}

/** A place in a file: an offset, a line, the keys that lead to a value, or the first place where a text stands. */
export type Place = { offset: number } | { line: number } | { keys: readonly (string | number)[] } | { text: string }

/** An error about a place in a file, or about all of it. What stands there is not repeated: it may be a password. */
export function invalidFile(file: ConfigFile, place: Place | undefined, message: string): SlipwayError {
  const line = place && lineOf(file, place)
  const where = line === undefined ? file.path : `${file.path}:${line}`
  return fail('REGISTRY_CONFIG_INVALID', `${where}: ${message}`, { data: { file: file.path, line } })
}

function lineOf(file: ConfigFile, place: Place): number {
  if ('line' in place) return place.line
  if ('keys' in place) return lineOfKeys(file, place.keys)
  return lineAt(file.bytes, 'offset' in place ? place.offset : Math.max(0, file.bytes.indexOf(place.text)))
}

/** The value of a JSON file whose shape the schema allows. Fails with `REGISTRY_CONFIG_INVALID`. */
export function parseJsonFile<T>(file: ConfigFile, schema: v.GenericSchema<unknown, T>): T {
  let value: unknown
  try {
    value = parseJson(file.bytes, { what: file.path, maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH })
  } catch {
    const text = file.bytes.toString('latin1')
    const offset = jsonErrorOffset(text)
    if (offset === undefined) throw invalidFile(file, undefined, 'it is not UTF-8, or nested too deeply')
    throw invalidFile(
      file,
      { offset },
      offset >= text.trimEnd().length ? 'the JSON ends too early' : 'this is not JSON',
    )
  }
  if (!isJsonObject(value)) throw invalidFile(file, { offset: 0 }, 'it must be an object')
  return checked(file, schema, value)
}

/** The value of a TOML file whose shape the schema allows. Fails with `REGISTRY_CONFIG_INVALID`. */
export function parseTomlFile<T>(file: ConfigFile, schema: v.GenericSchema<unknown, T>): T {
  let value: unknown
  try {
    value = parseToml(new TextDecoder('utf-8', { fatal: true }).decode(file.bytes), { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof TomlError)) throw invalidFile(file, undefined, 'it is not UTF-8, or nested too deeply')
    const what = error.message.replace(/^Invalid TOML document: /, '').split('\n')[0]
    throw invalidFile(file, { line: error.line }, `this is not TOML: ${what}`)
  }
  return checked(file, schema, value)
}

/** The value itself: valibot's copy lacks keys such as `constructor`. */
function checked<T>(file: ConfigFile, schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return value as T
  const issue = result.issues[0]
  const path = (issue.path ?? []).map((item) => item.key as string | number)
  const name = path
    .map((key) => (typeof key === 'number' ? `[${key + 1}]` : `${key}`))
    .join('.')
    .replaceAll('.[', '[')
  const expected = `${name === '' ? 'it' : name} ${issue.message}`
  throw invalidFile(file, { keys: path }, expected)
}

/** About where a value stands: its keys are looked for one after the other. */
function lineOfKeys(file: ConfigFile, path: readonly (string | number)[]): number {
  const text = file.bytes.toString('latin1')
  let offset = 0
  let previous = ''
  for (const key of path) {
    const wanted = typeof key === 'number' ? previous : Buffer.from(key).toString('latin1')
    for (let times = typeof key === 'number' ? key : 1; times > 0; times--) {
      const from = offset + (offset === 0 ? 0 : 1)
      const quoted = text.indexOf(`"${wanted}"`, from)
      const found = quoted < 0 ? text.indexOf(wanted, from) : quoted
      if (found < 0) break
      offset = found
    }
    previous = wanted
  }
  return lineAt(file.bytes, offset)
}

function lineAt(bytes: Buffer, offset: number): number {
  let line = 1
  for (let at = bytes.indexOf(10); at >= 0 && at < offset; at = bytes.indexOf(10, at + 1)) line++
  return line
}
