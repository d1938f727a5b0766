import { readFileSync } from 'node:fs'
import { fail, messageOf } from '../../../core/index.ts'
import {
  type Credentials,
  loadRegistrySettings,
  type RegistryEndpoint,
  type RegistrySettings,
  type TlsSettings,
} from '../../../registry/index.ts'
import type { UpstreamConfig } from './config.ts'

/** What our client needs to know to ask an upstream; `via` is what it tells about the way of the request. */
export function upstreamSettings(config: UpstreamConfig, via: string): RegistrySettings {
  const { name, mirrors = [] } = config
  return {
    async endpoints({ path }) {
      const tls = tlsOf(config)
      const endpoint = (url: string): RegistryEndpoint => ({
        url: `${url}/v2`,
        repository: path,
        allowsPlainHttp: url.startsWith('http:') || isLoopback(url),
        can: { pull: true, resolve: true, push: false },
        isMirror: false,
        tls,
        headers: { via },
        registry: name,
        connectTimeout: Math.min(timeoutOf(config), 10_000),
      })
      const before = mirrors.map((url) => {
        return { ...endpoint(url), isMirror: true, namespace: name, registry: new URL(url).host }
      })
      return [...before, endpoint(urlOf(config))]
    },
    credentials: async (registry, path) => (registry === name ? credentialsOf(config, path) : undefined),
  }
}

/** Sees to it that the files and variables that an upstream needs are there. Fails with `REGISTRY_CONFIG_INVALID`. */
export async function checkFiles(config: UpstreamConfig): Promise<void> {
  tlsOf(config)
  if (!config.login) await credentialsOf(config, undefined)
}

/** Where an upstream is. */
export function urlOf({ name, url }: UpstreamConfig): string {
  return url ?? `https://${name === 'docker.io' ? 'registry-1.docker.io' : name}`
}

/** Milliseconds that an upstream may say nothing. */
export function timeoutOf({ timeout = 30_000 }: UpstreamConfig): number {
  return timeout
}

function tlsOf({ ca, verify = true }: UpstreamConfig): TlsSettings {
  return { ca: ca === undefined ? [] : [readText(ca)], verify }
}

async function credentialsOf(config: UpstreamConfig, path: string | undefined): Promise<Credentials | undefined> {
  const { name, username, password_file, password_env = '', login } = config
  if (login) return loadRegistrySettings().credentials(name, path)
  if (username === undefined) return undefined
  const password =
    password_file === undefined ? process.env[password_env] : readText(password_file).replace(/\r?\n$/, '')
  if (password) return { kind: 'password', username, password }
  throw fail(
    'REGISTRY_CONFIG_INVALID',
    `there is no password for ${name}: ${password_file ?? `$${password_env}`} is empty`,
  )
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw fail('REGISTRY_CONFIG_INVALID', `cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}
