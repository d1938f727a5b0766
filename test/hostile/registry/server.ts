import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { digestOf } from '../../../src/core/index.ts'
import { BEHAVIOURS, type Behaviour } from './behaviours.ts'
import { type Answer, type Exchange, end, serve } from './exchange.ts'
import type { ServedImage } from './image.ts'

/** A request that the registry got. */
export interface Asked {
  readonly at: 'registry' | 'peer'
  readonly method: string
  readonly url: string
  readonly kind: string
  readonly authorization?: string
  readonly range?: string
  /** Bytes that went to the client on this connection since the request came; final when its answer has ended. */
  sent(): number
}

/** A registry on loopback in which each repository is evil in its own way. */
export interface HostileRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** All requests since the beginning, or since the last time this was emptied. */
  readonly asked: Asked[]
  /** Lets behaviours begin anew. */
  forget(): void
}

const PATTERN = /^\/v2\/([a-z0-9-]+)\/(manifests|blobs|tags)\/([^/?]+)/

/** Starts the registry, and a second server (`localhost` at another port) to which it leads its clients. */
export async function openHostileRegistry(image: ServedImage): Promise<HostileRegistry> {
  const asked: Asked[] = []
  const counts = new Map<string, number>()
  let peer = ''
  const listen = async (at: Asked['at']): Promise<[ReturnType<typeof createServer>, number]> => {
    const server = createServer((request, response) => {
      asked.push(record(at, request))
      respond({ request, response, image, peer, counts })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return [server, (server.address() as AddressInfo).port]
  }
  const [registry, port] = await listen('registry')
  const [other, otherPort] = await listen('peer')
  peer = `http://localhost:${otherPort}`
  return {
    host: `127.0.0.1:${port}`,
    asked,
    forget() {
      counts.clear()
      asked.length = 0
    },
    async [Symbol.asyncDispose]() {
      for (const server of [registry, other]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

function record(at: Asked['at'], { method = '', url = '', headers, socket }: IncomingMessage): Asked {
  const { authorization, range } = headers
  const before = socket.bytesWritten
  return {
    at,
    method,
    url,
    kind: PATTERN.exec(url)?.[2] ?? url,
    ...(authorization === undefined ? {} : { authorization }),
    ...(range === undefined ? {} : { range }),
    sent: () => socket.bytesWritten - before,
  }
}

const NOT_THERE: Answer = (exchange) => end(exchange, 404)

interface Situation {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly image: ServedImage
  readonly peer: string
  readonly counts: Map<string, number>
}

function respond(situation: Situation): void {
  const { request, image } = situation
  const url = request.url ?? ''
  const [, repository = '', kind, reference = ''] = PATTERN.exec(url) ?? []
  const behaviour: Partial<Behaviour> = BEHAVIOURS[repository] ?? {}
  const bare = exchangeOf(situation, Buffer.alloc(0), 'application/json')
  if (behaviour.first?.(bare)) return
  if (kind === 'tags') answerTags(bare, repository)
  else if (kind === 'manifests') answerManifest(situation, behaviour, reference)
  else if (kind === 'blobs') answerBlob(situation, behaviour, decodeURIComponent(reference))
  else if (url.startsWith('/token')) bare.response.end('{"token":"for-you"}')
  else if (url.startsWith('/foreign')) serve(exchangeOf(situation, image.layer, ''))
  else end(bare, /^\/v2\/?$/.test(url) ? 200 : 404)
}

function answerTags({ response }: Exchange, repository: string): void {
  const next = `</v2/${repository}/tags/list?n=1&last=x>; rel="next"`
  response.writeHead(200, { 'Content-Type': 'application/json', Link: next })
  response.end(JSON.stringify({ name: repository, tags: ['x'] }))
}

function answerManifest(situation: Situation, behaviour: Partial<Behaviour>, reference: string): void {
  const { image, peer } = situation
  const document = behaviour.manifest?.(image, { peer }) ?? image.manifest
  const bytes = Buffer.isBuffer(document) ? document : Buffer.from(JSON.stringify(document))
  const type = String(image.manifest['mediaType'])
  const digest = digestOf(bytes)
  const honest: Answer = (exchange) => serve(exchange, { headers: { 'Docker-Content-Digest': digest } })
  const exchange = exchangeOf(situation, bytes, type)
  const isMissing = reference.includes(':') && reference !== digest
  const answer = isMissing ? NOT_THERE : (behaviour.onManifest ?? honest)
  answer(exchange)
}

function answerBlob(situation: Situation, behaviour: Partial<Behaviour>, digest: string): void {
  const { image } = situation
  const bytes = [image.config, image.layer].find((each) => digestOf(each) === digest)
  const exchange = exchangeOf(situation, bytes ?? Buffer.alloc(0), 'application/octet-stream')
  const answer = bytes === image.layer ? (behaviour.onLayer ?? serve) : bytes ? serve : NOT_THERE
  answer(exchange)
}

function exchangeOf({ request, response, peer, counts }: Situation, bytes: Buffer, type: string): Exchange {
  const key = request.url ?? ''
  const before = counts.get(key) ?? 0
  if (request.method === 'GET' && bytes.length > 0) counts.set(key, before + 1)
  return { request, response, bytes, type, before, peer }
}
