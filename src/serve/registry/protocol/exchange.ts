import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type Bytes, type Digest, isDigest } from '../../../core/index.ts'
import type { AccessDecision, Action, BlobPlace, PassThrough, SendBlob } from '../extensions.ts'
import { refuse } from '../failure.ts'
import type { ServerLimits } from '../limits.ts'
import type { RegistryStorage, StoredBlob } from '../storage.ts'

/** What every request is answered with. */
export interface ProtocolContext {
  readonly storage: RegistryStorage
  readonly limits: ServerLimits
  readonly canDelete: boolean
  readonly sendBlob: SendBlob
  readonly passThrough?: PassThrough | undefined
  elsewhere(blob: StoredBlob): BlobPlace | undefined
  /** Throws when so many more bytes may not come into the repository. */
  accept(repository: string, bytes: number, digest?: Digest): void
  authorize(request: {
    action: Action
    repository?: string
    isProbe?: boolean
    request: IncomingMessage
  }): AccessDecision | Promise<AccessDecision>
}

/** One request with the answer to it. */
export class Exchange {
  readonly context: ProtocolContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Who asks; absent when anonymous. */
  user: string | undefined
  /** The repository that it is about, by its name here. */
  repository: string | undefined
  /** Code of the protocol, when the answer is a failure. */
  failure: string | undefined
  /** What went wrong inside. */
  error: unknown
  /** Bytes of a blob that were sent; Node does not see all of them go. */
  blobBytes = 0
  readonly #search: string
  #query: URLSearchParams | undefined

  constructor(context: ProtocolContext, request: IncomingMessage, response: ServerResponse) {
    this.context = context
    this.request = request
    this.response = response
    const url = request.url!
    const mark = url.indexOf('?')
    this.#search = mark < 0 ? '' : url.slice(mark + 1)
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#search)
    return this.#query
  }

  /** One header of the request; the first where it is repeated. */
  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  /** Answers with an optional body; HEAD gets the same head without it. */
  send(status: number, headers: OutgoingHttpHeaders = {}, body?: Uint8Array | string): void {
    const { response, request } = this
    const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (status !== 204 && status !== 304) headers['Content-Length'] = length
    response.writeHead(status, headers)
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  json(value: unknown, headers: OutgoingHttpHeaders = {}): void {
    this.send(200, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value))
  }

  /** The bytes of the request's body. Leaving the loop early leaves the connection as it is, so that it can be answered. */
  body(): Bytes {
    const { request, response } = this
    if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue()
    return request.iterator({ destroyOnReturn: false })
  }

  /**
   * The same for a body that may be large: each chunk is gone when the next is asked for, so whoever reads copies it.
   * Freeing it at once, not when the garbage collector finds it, halves what an upload costs beside its digest.
   */
  async *passingBody(): Bytes {
    for await (const chunk of this.body()) {
      yield chunk
      const { buffer } = chunk
      // Node's HTTP parser gives every chunk memory of its own; only that may be given back
      if (chunk.byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
    }
  }

  /** `Content-Length` of the request; `undefined` when the body is sent in chunks or is not there. */
  contentLength(): number | undefined {
    const { headers } = this.request
    return headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
  }

  /** Answers that name what was created are relative, so that they hold behind any proxy. */
  location(repository: string, rest: string): string {
    return `/v2/${repository}/${rest}`
  }
}

/** A digest of a path or query. Fails with `DIGEST_INVALID`. */
export function requireDigest(text: string | null): Digest {
  if (isDigest(text)) return text
  throw refuse('DIGEST_INVALID', 'provided digest did not match uploaded content or is malformed', {
    detail: { digest: (text ?? '').slice(0, 200) },
  })
}
