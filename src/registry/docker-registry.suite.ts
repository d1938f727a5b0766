import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Credentials, RegistryEndpoint, RegistrySettings } from './index.ts'

/** Debian's registry server, the reference; tests that need it are skipped where it is missing. */
export const hasDockerRegistry: boolean = existsSync('/usr/bin/docker-registry')

/** A registry that runs for a test. */
export interface RunningRegistry extends AsyncDisposable {
  /** `127.0.0.1:40001`. */
  readonly domain: string
  readonly directory: string
  /** What it has written about requests so far. */
  log(): string
}

/** Starts docker-registry with its storage in a folder of its own; `config` adds sections to its configuration. */
export async function startDockerRegistry(
  config: Record<string, unknown> | ((directory: string) => Record<string, unknown>) = {},
): Promise<RunningRegistry> {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-registry-'))
  const port = await freePort()
  const domain = `127.0.0.1:${port}`
  const own = typeof config === 'function' ? config(directory) : config
  const file = path.join(directory, 'config.json')
  const storage = { filesystem: { rootdirectory: path.join(directory, 'data') }, delete: { enabled: true } }
  // YAML reads JSON
  writeFileSync(
    file,
    JSON.stringify({ version: 0.1, storage, ...own, http: { addr: domain, ...(own['http'] as object) } }),
  )
  const { AWS_CA_BUNDLE: _breaksIt, ...env } = process.env
  const child = spawn('/usr/bin/docker-registry', ['serve', file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  const note = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-1_000_000)
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  await waitUntilItListens(port, child, () => log)
  return {
    domain,
    directory,
    log: () => log,
    async [Symbol.asyncDispose]() {
      await stop(child)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Settings with one server for each repository, by its own name, over plain HTTP where it speaks no TLS. */
export function settingsFor(
  options: {
    credentials?: Credentials
    endpoint?: Partial<RegistryEndpoint>
    mirrors?: Partial<RegistryEndpoint>[]
  } = {},
): RegistrySettings {
  const { credentials, endpoint, mirrors = [] } = options
  const can = { pull: true, resolve: true, push: true }
  return {
    async endpoints({ domain, path: repository }) {
      const plain: RegistryEndpoint = {
        url: `https://${domain}/v2`,
        repository,
        allowsPlainHttp: true,
        can,
        isMirror: false,
        tls: { ca: [], verify: true },
        headers: {},
        registry: domain,
      }
      const others = mirrors.map((mirror) => ({ ...plain, can: { ...can, push: false }, isMirror: true, ...mirror }))
      return [...others, { ...plain, ...endpoint }]
    },
    credentials: async () => credentials,
  }
}

/** A key and a certificate for 127.0.0.1 or another address, made by openssl. */
export function makeCertificate(
  directory: string,
  name = 'server',
  address = '127.0.0.1',
): { key: string; cert: string } {
  const [key, cert] = ['key', 'crt'].map((ending) => path.join(directory, `${name}.${ending}`)) as [string, string]
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${address},DNS:localhost`, '-days', '2']
  const pair = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...pair, ...subject], { stdio: 'ignore' })
  return { key, cert }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function waitUntilItListens(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended: ${log()}`)
    if (/listening on/.test(log())) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`docker-registry does not listen on ${port}: ${log()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
