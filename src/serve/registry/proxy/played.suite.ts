import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { type Digest, digestOf } from '../../../core/index.ts'
import { MEDIA } from '../../../oci/index.ts'
import { manifestOf, startRegistry } from '../fixture.suite.ts'
import type { RegistryServer } from '../serve.ts'
import type { UpstreamConfig } from './config.ts'
import { proxyPart } from './proxy.ts'

/** An answer of a test; with `false` the usual one is given. `count` is how many requests for the same came before. */
export type Play = (request: IncomingMessage, response: ServerResponse, count: number) => unknown

/** A registry with one image, that answers, counts and fails as a test says. */
export interface PlayedUpstream {
  readonly domain: string
  readonly image: PlayedImage
  /** `GET /v2/team/app/...` of every request, without the query. */
  readonly requests: string[]
  readonly headers: IncomingMessage['headers'][]
  /** Answers in place of the image's registry; returns false to let it. */
  play: Play
  /** Gives the tag to another image. */
  publish(image: PlayedImage): void
  /** Nobody listens any more. */
  stop(): Promise<void>
}

/** An image with one layer. */
export interface PlayedImage {
  readonly manifest: Buffer
  readonly digest: Digest
  readonly layer: Buffer
  readonly layerDigest: Digest
  readonly config: Buffer
  readonly configDigest: Digest
}

const running: Server[] = []

afterEach(async () => {
  for (const server of running.splice(0)) await closeServer(server)
})

/** The name of the image's repository. */
export const REPOSITORY = 'team/app'

/** Makes an image; `size` is that of its layer. */
export function makeImage(size = 3_000_000, salt = 1): PlayedImage {
  const layer = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) layer.writeUInt32LE((at * 2654435761 + salt) >>> 0, at)
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] }, author: `${salt}` }),
  )
  const [layerDigest, configDigest] = [digestOf(layer), digestOf(config)]
  const manifest = manifestOf(
    { mediaType: MEDIA.ociConfig, digest: configDigest, size: config.length },
    { layers: [{ mediaType: MEDIA.ociLayer, digest: layerDigest, size }] },
  )
  return { manifest, digest: digestOf(manifest), layer, layerDigest, config, configDigest }
}

/** Starts an upstream on loopback. */
export async function startUpstream(image: PlayedImage = makeImage()): Promise<PlayedUpstream> {
  const content = new Map<string, { type: string; bytes: Buffer }>()
  const publish = (one: PlayedImage): void => {
    const manifest = { type: MEDIA.ociManifest, bytes: one.manifest }
    content.set('manifests/1', manifest).set(`manifests/${one.digest}`, manifest)
    content.set(`blobs/${one.layerDigest}`, { type: 'application/octet-stream', bytes: one.layer })
    content.set(`blobs/${one.configDigest}`, { type: 'application/octet-stream', bytes: one.config })
    content.set('tags/list', { type: 'application/json', bytes: Buffer.from('{"name":"x","tags":["1","b"]}') })
  }
  publish(image)
  const played = { image, requests: [] as string[], headers: [] as IncomingMessage['headers'][], publish }
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url!.split('?')[0]}`
    const count = played.requests.filter((one) => one === line).length
    played.requests.push(line)
    played.headers.push(request.headers)
    if (all.play(request, response, count) !== false) return
    const found = content.get(request.url!.split('?')[0]!.slice(`/v2/${REPOSITORY}/`.length))
    if (found) sendContent(request, response, found)
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
  })
  running.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const domain = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const all: PlayedUpstream = { ...played, domain, play: () => false, stop: () => closeServer(server) }
  return all
}

function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  { type, bytes }: { type: string; bytes: Buffer },
): void {
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const rest = bytes.subarray(start)
  const head = { 'content-type': type, 'content-length': rest.length, 'docker-content-digest': digestOf(bytes) }
  if (start === 0) response.writeHead(200, head)
  else response.writeHead(206, { ...head, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
  response.end(request.method === 'HEAD' ? undefined : rest)
}

/** Starts our registry as a cache of this upstream, served below `up`. */
export async function startCache(
  upstream: { domain: string },
  more: Partial<UpstreamConfig> & { root?: string } = {},
): Promise<RegistryServer> {
  const { root, ...config } = more
  return startRegistry({
    parts: [proxyPart],
    ...(root === undefined ? {} : { root }),
    config: { proxy: { upstream: [{ name: upstream.domain, prefix: 'up', ...config }] } },
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.closeAllConnections()
    server.close(() => resolve())
  })
}
