import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasCode, withDiskCode } from '../../../core/index.ts'
import type { AccessDecision, Action, FinishedRequest, PassedRequest } from '../extensions.ts'
import { failureBody, ProtocolFailure, refuse } from '../failure.ts'
import { deleteBlob, getBlob } from './blobs.ts'
import { Exchange, type ProtocolContext } from './exchange.ts'
import { listExtensions, listRepositories, listTags, ping } from './lists.ts'
import { deleteManifest, getManifest, putManifest } from './manifests.ts'
import { listReferrers } from './referrers.ts'
import { parseRoute, type RepositoryRoute, type Route } from './route.ts'
import { cancelUpload, describeUpload, finishUpload, patchUpload, startUpload } from './uploads.ts'

/** How a kind of path answers a method, and what the caller needs to be allowed. */
interface Method<K extends Route['kind']> {
  readonly action: Action
  answer(exchange: Exchange, route: Extract<Route, { kind: K }>): void | Promise<void>
}
type Methods = { readonly [K in Route['kind']]: Readonly<Record<string, Method<K>>> }

const METHODS: Methods = {
  ping: { GET: { action: 'ping', answer: ping } },
  catalog: { GET: { action: 'catalog', answer: listRepositories } },
  extensions: { GET: { action: 'pull', answer: listExtensions } },
  tags: { GET: { action: 'pull', answer: listTags } },
  referrers: { GET: { action: 'pull', answer: listReferrers } },
  manifest: {
    GET: { action: 'pull', answer: getManifest },
    PUT: { action: 'push', answer: putManifest },
    DELETE: { action: 'delete', answer: deleteManifest },
  },
  blob: {
    GET: { action: 'pull', answer: getBlob },
    DELETE: { action: 'delete', answer: deleteBlob },
  },
  uploads: { POST: { action: 'push', answer: startUpload } },
  upload: {
    GET: { action: 'push', answer: describeUpload },
    PATCH: { action: 'push', answer: patchUpload },
    PUT: { action: 'push', answer: finishUpload },
    DELETE: { action: 'push', answer: cancelUpload },
  },
}

/**
 * Answers requests below `/v2`, each to its end. Small requests are answered within the call, without a promise, as long
 * as rights are decided so. Never throws.
 */
export function createProtocol(
  context: ProtocolContext,
  finished?: (request: FinishedRequest) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const exchange = new Exchange(context, request, response)
    const path = pathOf(request.url!)
    let route: Route | undefined
    try {
      if (request.url!.length > context.limits.url) throw refuse('UNSUPPORTED', 'the URL is too long', { status: 414 })
      route = parseRoute(path)
      if (finished) report(exchange, { path, route, finished })
      const answering = begin(exchange, route)
      if (answering) answering.catch((error: unknown) => answerFailure(exchange, error))
    } catch (error) {
      if (finished && !route) report(exchange, { path, route, finished })
      answerFailure(exchange, error)
    }
  }
}

function begin(exchange: Exchange, route: Route | undefined): Promise<void> | void {
  if (!route) throw refuse('UNSUPPORTED', 'there is nothing at this path', { status: 404 })
  const name = exchange.request.method === 'HEAD' ? 'GET' : exchange.request.method!
  const methods = METHODS[route.kind] as Readonly<Record<string, Method<Route['kind']>>>
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  if (!method) throw notAllowed(methods)
  const passed = exchange.context.passThrough && pass(exchange, route, method.action)
  exchange.repository = passed?.repository ?? ('repository' in route ? route.repository : undefined)
  const repository = exchange.repository === undefined ? {} : { repository: exchange.repository }
  // what the server knows beyond the protocol is not about a repository, and no secret
  const action = route.kind === 'extensions' && !('repository' in repository) ? 'ping' : method.action
  const decision = exchange.context.authorize({ action, ...repository, request: exchange.request })
  const go = (decided: AccessDecision): void | Promise<void> => {
    if (decided instanceof ProtocolFailure) throw decided
    exchange.user = decided.user
    if (method.action === 'delete' && !exchange.context.canDelete) throw cannotDelete()
    if (passed?.answer) return passed.answer()
    return method.answer(exchange, passed ? ({ ...route, repository: passed.repository } as RepositoryRoute) : route)
  }
  return decision instanceof Promise ? decision.then(go) : go(decision)
}

function pass(exchange: Exchange, route: Route, action: Action): PassedRequest | undefined {
  if (!('repository' in route) || route.repository === undefined) return undefined
  return exchange.context.passThrough?.(exchange, route as RepositoryRoute, action)
}

function notAllowed(methods: object): Error {
  const names = Object.keys(methods)
  const headers = { Allow: (names.includes('GET') ? ['HEAD', ...names] : names).join(', ') }
  return refuse('UNSUPPORTED', 'the operation is unsupported', { headers })
}

function cannotDelete(): Error {
  return refuse('UNSUPPORTED', 'the operation is unsupported: deleting is switched off')
}

function answerFailure(exchange: Exchange, error: unknown): void {
  const { request, response } = exchange
  const failure = failureOf(error)
  exchange.failure = failure.code
  if (failure.status >= 500) exchange.error = error
  if (response.headersSent) {
    // the head promised a body that cannot be sent: only breaking off tells the client
    response.destroy()
    return
  }
  if (request.destroyed && !request.complete) {
    response.destroy()
    return
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  const headers = {
    'Content-Type': 'application/json',
    'Docker-Distribution-Api-Version': 'registry/2.0',
    ...failure.headers,
  }
  exchange.send(failure.status, headers, failureBody(failure))
}

function failureOf(error: unknown): ProtocolFailure {
  if (error instanceof ProtocolFailure) return error
  const known = withDiskCode(error)
  if (hasCode(known, 'DISK_FULL')) {
    return refuse('UNAVAILABLE', 'the registry has no space left', { status: 507 })
  }
  if (hasCode(known, 'BLOB_NOT_FOUND')) return refuse('BLOB_UNKNOWN', 'blob unknown to registry')
  return refuse('UNKNOWN', 'unknown error')
}

function pathOf(url: string): string {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  return path === '/v2' ? '/v2/' : path
}

interface Reporting {
  path: string
  route: Route | undefined
  finished(request: FinishedRequest): void
}

/** Tells about the answer once it has left, or its reader has. */
function report(exchange: Exchange, { path, route, finished }: Reporting): void {
  const { request, response } = exchange
  const { socket } = request
  const start = performance.now()
  const [read, written] = [socket.bytesRead, socket.bytesWritten]
  response.once('close', () => {
    finished({
      method: request.method!,
      path,
      route: route?.kind,
      repository: exchange.repository ?? (route && 'repository' in route ? route.repository : undefined),
      status: response.statusCode,
      failure: exchange.failure,
      user: exchange.user,
      remote: socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'],
      bytesReceived: socket.bytesRead - read,
      bytesSent: Math.max(socket.bytesWritten - written, exchange.blobBytes),
      duration: performance.now() - start,
      error: exchange.error,
    })
  })
}
