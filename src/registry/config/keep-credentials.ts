import { isDeepStrictEqual } from 'node:util'
import { type Job, messageOf, SlipwayError, silentJob } from '../../core/index.ts'
import type { Credentials } from '../settings.ts'
import { type AuthDocument, type AuthEntry, encodeAuth, readAuthFile } from './auth-file.ts'
import { helperFor } from './credentials.ts'
import { authKeyName, credentialKey, DOCKER_HUB, DOCKER_HUB_KEY, registryName } from './domain.ts'
import { eraseFromHelper, storeInHelper } from './helper.ts'
import { placesOf, type SettingsOptions } from './places.ts'
import { updateAuthFile } from './update-file.ts'

/** What became of credentials that were to be kept. */
export interface KeptCredentials {
  /** The file in which a password now stands for everyone who can read it; absent when nothing new was written. */
  readonly unencryptedIn?: string
}

/**
 * Keeps credentials for a registry: with the helper that config.json names for it, else in config.json itself.
 * Fails with `CREDENTIAL_HELPER_FAILED` or `REGISTRY_CONFIG_INVALID`.
 */
export async function keepCredentials(
  registry: string,
  credentials: Credentials,
  options: SettingsOptions = {},
  job: Job = silentJob,
): Promise<KeptCredentials> {
  const { env = process.env } = options
  const { dockerConfig } = placesOf(options)
  const config = readAuthFile(dockerConfig)
  const helper = config && helperFor(config, { registry }, env)
  const key = credentialKey(registry)
  if (helper) await storeInHelper(helper, key, credentials, job)
  const entry = { ...(helper ? {} : entryOf(credentials)), ...tokenServerOf(credentials) }
  const isNew = await updateAuthFile(dockerConfig, (document) => setEntry(document, key, entry), job)
  return isNew && !helper && credentials.kind === 'password' ? { unencryptedIn: dockerConfig } : {}
}

/**
 * Forgets what config.json and its helpers keep for a registry, under all its spellings. What went wrong with a helper
 * is told and does not keep the rest from being forgotten. Fails with `REGISTRY_CONFIG_INVALID`.
 */
export async function forgetCredentials(
  registry: string,
  options: SettingsOptions = {},
  job: Job = silentJob,
): Promise<{ problems: string[] }> {
  const { env = process.env } = options
  const { dockerConfig } = placesOf(options)
  const config = readAuthFile(dockerConfig)
  if (!config) return { problems: [] }
  const name = registryName(registry)
  const helper = helperFor(config, { registry }, env)
  const spellings = name === DOCKER_HUB ? [credentialKey(name)] : [name, `http://${name}`, `https://${name}`]
  const problems: string[] = []
  for (const spelling of helper ? spellings : []) {
    try {
      await eraseFromHelper(helper!, spelling, job)
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'CREDENTIAL_HELPER_FAILED') throw error
      problems.push(`${spelling}: ${messageOf(error)}`)
    }
  }
  await updateAuthFile(dockerConfig, (document) => dropEntries(document, name), job)
  return { problems: problems.length === spellings.length ? problems : [] }
}

function tokenServerOf(credentials: Credentials): AuthEntry {
  if (credentials.kind === 'registry-token' || credentials.tokenServer === undefined) return {}
  return { tokenserver: credentials.tokenServer }
}

function entryOf(credentials: Credentials): AuthEntry {
  switch (credentials.kind) {
    case 'password':
      return { auth: encodeAuth(credentials.username, credentials.password) }
    case 'identity-token': {
      const { username, token } = credentials
      return { ...(username ? { auth: encodeAuth(username, '') } : {}), identitytoken: token }
    }
    case 'registry-token':
      return { registrytoken: credentials.token }
  }
}

/** What an entry holds besides credentials stays. */
function setEntry(document: AuthDocument, key: string, entry: AuthEntry): boolean {
  const old = document.auths?.[key]
  const {
    auth: _a,
    username: _u,
    password: _p,
    identitytoken: _i,
    registrytoken: _r,
    tokenserver: _t,
    ...rest
  } = old ?? {}
  const next = { ...rest, ...entry }
  if (old && isDeepStrictEqual({ ...old }, next)) return false
  document.auths = { ...document.auths, [key]: next }
  return true
}

function dropEntries(document: AuthDocument, name: string): boolean {
  const entries = Object.entries(document.auths ?? {})
  const isOne = (key: string): boolean =>
    authKeyName(key) === name || (name === DOCKER_HUB && key.startsWith(DOCKER_HUB_KEY))
  const kept = entries.filter(([key]) => !isOne(key))
  document.auths = Object.fromEntries(kept)
  return kept.length < entries.length
}
