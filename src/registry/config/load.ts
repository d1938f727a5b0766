import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { isJsonObject } from '../../core/index.ts'
import type { Credentials, RegistryEndpoint, RegistrySettings, RepositoryName } from '../settings.ts'
import { isLoopback, registryName, serverOf } from './domain.ts'

/** Where settings are looked for. */
export interface SettingsOptions {
  env?: NodeJS.ProcessEnv
  /** The user's folder. */
  home?: string
  /** In place of `/etc`. */
  etc?: string
  /** Registries, or all of them, whose certificates are not verified and which may speak plain HTTP. */
  insecure?: boolean | readonly string[]
}

/** What is configured about registries on this machine and for this user. Files are read when they are needed. */
export function loadRegistrySettings(options: SettingsOptions = {}): RegistrySettings {
  const { env = process.env, home = homedir(), insecure = false } = options
  const isInsecure = (host: string): boolean =>
    isLoopback(host) || (typeof insecure === 'boolean' ? insecure : insecure.includes(host))
  return {
    endpoints: async (repository) => [ownEndpoint(repository, isInsecure(repository.domain))],
    credentials: async (registry) => fileCredentials(env['DOCKER_CONFIG'] ?? path.join(home, '.docker'), registry),
  }
}

function ownEndpoint(repository: RepositoryName, insecure: boolean): RegistryEndpoint {
  const registry = registryName(repository.domain)
  return {
    url: `https://${serverOf(registry)}/v2`,
    repository: repository.path,
    allowsPlainHttp: insecure,
    can: { pull: true, resolve: true, push: true },
    isMirror: false,
    tls: { ca: [], verify: !insecure },
    headers: {},
    registry,
  }
}

function fileCredentials(folder: string, registry: string): Credentials | undefined {
  const config = readJson(path.join(folder, 'config.json'))
  const auths = isJsonObject(config) ? config['auths'] : undefined
  if (!isJsonObject(auths)) return undefined
  const entry = Object.entries(auths).find(
    ([key]) => registryName(key.replace(/^https?:\/\/([^/]*).*$/, '$1')) === registryName(registry),
  )?.[1]
  if (!isJsonObject(entry) || typeof entry['auth'] !== 'string') return undefined
  const text = Buffer.from(entry['auth'], 'base64').toString()
  const colon = text.indexOf(':')
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
