import * as v from 'valibot'
import type { Credentials } from '../settings.ts'
import { type ConfigFile, invalidFile, parseJsonFile, readConfigFile } from './config-file.ts'
import { authKeyName } from './domain.ts'

const text = v.optional(v.string('must be a string'))

const ENTRY = v.nullable(
  v.looseObject(
    { auth: text, username: text, password: text, identitytoken: text, registrytoken: text, tokenserver: text },
    'must be an object',
  ),
)

const AUTH_FILE = v.looseObject(
  {
    auths: v.nullish(v.record(v.string(), ENTRY, 'must be an object')),
    credsStore: text,
    credHelpers: v.nullish(v.record(v.string(), v.string('must be a string'), 'must be an object')),
    HttpHeaders: v.nullish(v.record(v.string(), v.string('must be a string'), 'must be an object')),
  },
  'must be an object',
)

/** What one registry has in config.json or auth.json. */
export interface AuthEntry {
  /** `base64(user:password)`. */
  auth?: string | undefined
  username?: string | undefined
  password?: string | undefined
  identitytoken?: string | undefined
  registrytoken?: string | undefined
  /** Slipway's own: the host of a token server in another domain that may see the credentials. */
  tokenserver?: string | undefined
}

/** config.json or auth.json: credentials, and the programs that keep them. Keys that are not ours stay. */
export interface AuthDocument {
  auths?: Record<string, AuthEntry | null> | null | undefined
  credsStore?: string | undefined
  credHelpers?: Record<string, string> | null | undefined
  HttpHeaders?: Record<string, string> | null | undefined
}

/** An auth file with its place, for errors. */
export interface AuthFile {
  readonly file: ConfigFile
  readonly document: AuthDocument
}

/** Reads config.json or auth.json, if it is there; an empty file says nothing. Fails with `REGISTRY_CONFIG_INVALID`. */
export function readAuthFile(path: string): AuthFile | undefined {
  const file = readConfigFile(path)
  return file && parseAuthFile(file)
}

/** The same for a text that is no file: `path` is what errors call it. */
export function parseAuthFile(file: ConfigFile): AuthFile {
  const isEmpty = file.bytes.toString('latin1').trim() === ''
  return { file, document: isEmpty ? {} : parseJsonFile(file, AUTH_FILE) }
}

/** The values of a table whose keys stand for this name, in any of their spellings; an exact one comes first. */
export function entriesFor<T>(table: Readonly<Record<string, T>> | null | undefined, name: string): [string, T][] {
  const found = Object.entries(table ?? {}).filter(([key]) => authKeyName(key) === name)
  return found.sort(([a], [b]) => Number(b === name) - Number(a === name))
}

/** The credentials of an entry; `undefined` for one that is empty, as those are whose secret a helper keeps. */
export function credentialsOf(entry: AuthEntry | null, key: string, file: ConfigFile): Credentials | undefined {
  if (!entry) return undefined
  if (entry.registrytoken) return { kind: 'registry-token', token: entry.registrytoken }
  const { username, password } = entry.auth ? decodeAuth(entry.auth, key, file) : entry
  const own = entry.tokenserver ? { tokenServer: entry.tokenserver } : {}
  if (entry.identitytoken)
    return { kind: 'identity-token', token: entry.identitytoken, ...(username ? { username } : {}), ...own }
  if (!username && !password) return undefined
  return { kind: 'password', username: username ?? '', password: password ?? '', ...own }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** `base64(user:password)`; Docker fills some up with zero bytes. */
function decodeAuth(auth: string, key: string, file: ConfigFile): { username: string; password: string } {
  const encoded = auth.replace(/[\r\n]/g, '')
  const decoded = BASE64.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : ''
  const colon = decoded.indexOf(':')
  if (colon < 0) {
    throw invalidFile(file, { keys: ['auths', key, 'auth'] }, `auths.${key}.auth is not the base64 of user:password`)
  }
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') }
}

/** The `auth` of a user and a password. */
export function encodeAuth(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64')
}
