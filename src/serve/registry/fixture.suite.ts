import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { afterEach } from 'vitest'
import { type Digest, digestOf } from '../../core/index.ts'
import { MEDIA } from '../../oci/index.ts'
import type { RegistryConfig } from './config.ts'
import type { Part } from './parts.ts'
import { type RegistryServer, serveRegistry } from './serve.ts'

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Code of the protocol of the first error in the body. */
  readonly code: string | undefined
}

/** What a request carries. */
export interface Sent {
  headers?: OutgoingHttpHeaders
  body?: Uint8Array | string
}

const running: RegistryServer[] = []
const folders: string[] = []

afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-registry-'))
  folders.push(folder)
  return folder
}

/** A registry on a free port that ends with the test. */
export async function startRegistry(
  options: { config?: RegistryConfig; parts?: readonly Part[]; root?: string } = {},
): Promise<RegistryServer> {
  const { config = {}, parts = [], root = temporaryFolder() } = options
  const server = await serveRegistry({ root, parts, config: { listen: '127.0.0.1:0', ...config } })
  running.push(server)
  return server
}

/** Sends one request over a connection of its own, header by header as the test wants it. */
export function send(server: { url: string }, method: string, at: string, sent: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.url}${at}`, { method, headers: sent.headers ?? {}, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const body = Buffer.concat(chunks)
        resolve({ status: answer.statusCode!, headers: answer.headers, body, code: codeOf(body) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(sent.body)
  })
}

function codeOf(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString()) as { errors?: { code: string }[] }).errors?.[0]?.code
  } catch {
    return undefined
  }
}

/** Uploads a blob in one request. */
export async function putBlob(
  server: { url: string },
  repository: string,
  bytes: Uint8Array | string,
): Promise<Digest> {
  const digest = digestOf(bytes)
  const answer = await send(server, 'POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes })
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.body}`)
  return digest
}

/** An image without layers, pushed under a tag; `salt` makes it another one. */
export async function putImage(
  server: { url: string },
  repository: string,
  tag: string,
  salt = '',
): Promise<{ digest: Digest; bytes: Buffer; config: Digest }> {
  const text = `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},"author":"${salt}"}`
  const config = await putBlob(server, repository, text)
  const bytes = manifestOf({ mediaType: MEDIA.ociConfig, digest: config, size: text.length })
  const headers = { 'content-type': MEDIA.ociManifest }
  const answer = await send(server, 'PUT', `/v2/${repository}/manifests/${tag}`, { headers, body: bytes })
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.body}`)
  return { digest: digestOf(bytes), bytes, config }
}

/** A manifest with this config and these other fields. */
export function manifestOf(config: object, more: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers: [], ...more }))
}
