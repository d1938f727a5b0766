import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { collectBytes, digestOf } from '../core/index.ts'
import { type Descriptor, descriptorOf, MEDIA, writeManifest } from '../oci/index.ts'
import { settingsFor } from './docker-registry.suite.ts'
import { openRegistryRepository, type RegistryOptions, type RegistryRepository } from './index.ts'

/** A server that answers as a test says. */
export interface ScriptedServer extends AsyncDisposable {
  readonly domain: string
  /** Method and URL of every request, in their order. */
  readonly requests: readonly string[]
  /** Headers of every request. */
  readonly headers: readonly IncomingMessage['headers'][]
}

/** What a test does with a request. */
export type Script = (request: IncomingMessage, response: ServerResponse, count: number) => void | Promise<void>

/** Starts a server on loopback; `count` is how many requests for the same method and path came before. */
export async function startScripted(script: Script, tls?: ServerOptions): Promise<ScriptedServer> {
  const requests: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const counts = new Map<string, number>()
  const listener: RequestListener = (request, response) => {
    const line = `${request.method} ${request.url}`
    requests.push(line)
    headers.push(request.headers)
    const count = counts.get(line) ?? 0
    counts.set(line, count + 1)
    response.on('error', () => {})
    void Promise.resolve(script(request, response, count)).catch(() => response.destroy())
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    domain: `127.0.0.1:${port}`,
    requests,
    headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Patience for tests: as many tries as ever, and no pauses. `slept` gets the pauses. */
export function hasty(slept: number[] = []): NonNullable<RegistryOptions['patience']> {
  return { firstPause: 1, sleep: async (milliseconds) => void slept.push(milliseconds) }
}

/** The repository `app` of a server, asked without pauses. */
export function openAt(domain: string, options: Partial<RegistryOptions> = {}): RegistryRepository {
  return openRegistryRepository({ domain, path: 'app' }, { settings: settingsFor(), patience: hasty(), ...options })
}

/** A blob of some size whose bytes differ from place to place. */
export function makeBlob(size: number): { bytes: Buffer; descriptor: Descriptor } {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at * 2654435761) >>> 0, at)
  return { bytes, descriptor: { mediaType: MEDIA.ociLayer, digest: digestOf(bytes), size } }
}

/** A small manifest. */
export function makeManifest(text = 'x'): { bytes: Buffer; descriptor: Descriptor } {
  const config = descriptorOf(Buffer.from('{}'), MEDIA.ociEmpty)
  return writeManifest({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers: [], annotations: { text } })
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return collectBytes(request, 1 << 30, () => new Error('endless'))
}

/** An answer with a body. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string | Buffer = '',
): void {
  response.writeHead(status, headers).end(body)
}
