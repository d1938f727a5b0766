import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Digest } from '../../core/index.ts'
import type { ProtocolFailure } from './failure.ts'
import type { Exchange } from './protocol/exchange.ts'
import type { RepositoryRoute } from './protocol/route.ts'
import type { UpstreamState } from './proxy/state.ts'
import type { StoredBlob } from './storage.ts'

/** What somebody wants to do. `ping` is `GET /v2/`; `admin` is running the registry: collection, audit log, events. */
export type Action = 'ping' | 'catalog' | 'admin' | 'pull' | 'push' | 'delete'

/** A question about rights. */
export interface AccessRequest {
  readonly action: Action
  /** There except for `ping`, `admin` and `catalog`; with `catalog` it asks whether a list may show the repository. */
  readonly repository?: string
  /**
   * A question beside the one that the request is about: whether a mount may take from another repository, whether a
   * list may show one. A refusal is
   * no error then, only a no.
   */
  readonly isProbe?: boolean
  /** Headers, address and certificate of the caller. */
  readonly request: IncomingMessage
}

/** The answer: who it is (absent when anonymous), or why not. 401s carry their `WWW-Authenticate` in the failure's headers. */
export type AccessDecision = { readonly user?: string | undefined } | ProtocolFailure

/** Decides about rights. Answers synchronously where it can: that keeps small requests fast. Never throws for a no. */
export type Authorize = (request: AccessRequest) => AccessDecision | Promise<AccessDecision>

/** A request below `/v2` that was answered, for logs and metrics. */
export interface FinishedRequest {
  readonly method: string
  /** Path without its query. */
  readonly path: string
  /** What it was about: `manifest`, `blob`, `upload`, `tags`, `referrers`, `catalog`, `ping`; undefined where the protocol has no such path. */
  readonly route?: string | undefined
  readonly repository?: string | undefined
  readonly status: number
  /** Code of the protocol when it failed. */
  readonly failure?: string | undefined
  readonly user?: string | undefined
  readonly remote: string
  readonly userAgent?: string | undefined
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Milliseconds. */
  readonly duration: number
  /** What went wrong inside, for statuses of 500 and above. */
  readonly error?: unknown
}

/** A part of a blob that is sent: first byte and the byte after the last. */
export interface SendRange {
  readonly start: number
  readonly end: number
}

/**
 * Sends bytes of a blob as the body of an answer whose head is already set, and ends it. Resolves when all is handed to
 * the socket, or its reader is gone, to the number of bytes that were sent; fails when the file cannot be read.
 */
export type SendBlob = (response: ServerResponse, blob: StoredBlob, range: SendRange) => Promise<number>

/** A request about a repository whose truth is in another registry. */
export interface PassedRequest {
  /** The repository's name here: the one that rights are asked for. */
  readonly repository: string
  /** Answers it, once it is allowed; absent where the protocol itself does. */
  answer?(): Promise<void>
}

/** Says whether another registry has the truth of what a request is about. May refuse the request. */
export type PassThrough = (exchange: Exchange, route: RepositoryRoute, action: Action) => PassedRequest | undefined

/**
 * Where somebody else can send a blob from: a location of an nginx before us (`accel`), which does ranges itself, or a URL
 * that the client is sent to (`redirect`).
 */
export interface BlobPlace {
  readonly kind: 'accel' | 'redirect'
  readonly address: string
}

/** What other parts add to the protocol. */
export interface RegistryExtensions {
  /** Anonymous may do everything when absent. */
  authorize?: Authorize
  /** Called after every answer; must not throw. */
  finished?(request: FinishedRequest): void
  /** Routes outside of /v2: `/api/v1`, `/metrics`, `/healthz`, the token endpoint. */
  plugins?: readonly ((app: FastifyInstance) => Promise<void> | void)[]
  sendBlob?: SendBlob
  passThrough?: PassThrough
  /** The registries that requests are passed to. */
  upstreams?(): readonly UpstreamState[]
  /** Whether somebody else sends this blob. */
  elsewhere?(blob: StoredBlob): BlobPlace | undefined
  /** Called before an upload is taken, with the bytes and the digest that are known to come; throws (`refuse(...)`) to stop it. */
  accept?(repository: string, bytes: number, digest?: Digest): void
  /** Called when the server stops, after the last answer. */
  close?(): Promise<void> | void
}
