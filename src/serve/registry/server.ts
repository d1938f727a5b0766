import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { errnoOf, fail } from '../../core/index.ts'
import { Certificates } from './access/certificates.ts'
import type { RegistryExtensions } from './extensions.ts'
import { failureBody, refuse } from './failure.ts'
import type { ServerLimits } from './limits.ts'
import { withOrigin } from './origin.ts'
import { createProtocol } from './protocol/protocol.ts'
import { sendBlob as sendFromFile } from './sending/send-blob.ts'
import type { RegistryStorage } from './storage.ts'
import type { TlsFiles } from './tls.ts'

/** What a server is started with. */
export interface ServerOptions {
  readonly storage: RegistryStorage
  readonly limits: ServerLimits
  readonly canDelete: boolean
  readonly extensions: RegistryExtensions
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly tls?: TlsFiles | undefined
}

/** A server that listens. */
export interface ListeningServer {
  readonly url: string
  /** Stops listening, lets requests in flight end within the limit, and breaks off the rest. */
  close(): Promise<void>
}

/** What operators meet, in Docker's words. */
const LISTEN_PROBLEMS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EADDRINUSE: [
    'bind: address already in use',
    'another program listens there; name another address with --listen, port 0 for a free one',
  ],
  EADDRNOTAVAIL: ['bind: cannot assign requested address', 'this machine does not have the address'],
  EACCES: ['bind: permission denied', 'ports below 1024 are for root'],
  ENOTFOUND: ['no such host', "name one of this machine's addresses"],
}

/** Milliseconds without a byte in either direction after which a connection is dead. */
const IDLE = 300_000

/**
 * Starts to listen. What is below `/v2` is answered by the protocol on bare `node:http`, since a framework in between
 * costs more than a small request itself; everything else by fastify, which is only loaded when there is something.
 */
export async function startServer(options: ServerOptions): Promise<ListeningServer> {
  const { storage, limits, canDelete, extensions } = options
  const { authorize = () => ({}), sendBlob = sendFromFile, accept = () => {}, passThrough } = extensions
  const elsewhere = extensions.elsewhere?.bind(extensions) ?? (() => undefined)
  const context = { storage, limits, canDelete, sendBlob, elsewhere, authorize, accept, passThrough }
  const protocol = createProtocol(context, extensions.finished?.bind(extensions))
  const others = await routeOthers(extensions)
  const listener: RequestListener = (request, response) => {
    const answer = isProtocol(request.url!) ? protocol : others
    withOrigin(request, () => answer(request, response))
  }
  const certificates =
    options.tls && new Certificates(options.tls, (problem) => process.stderr.write(`registry: ${problem}\n`))
  const server = createHttpServer(listener, options, certificates)
  await listen(server, options)
  certificates?.attach(server as TlsServer)
  const end = (): Promise<void> => {
    certificates?.[Symbol.dispose]()
    return close(server, limits.stop)
  }
  return { url: urlOf(server, options), close: end }
}

function isProtocol(url: string): boolean {
  return url.startsWith('/v2/') || url === '/v2' || url.startsWith('/v2?')
}

/** Routes that extensions add. */
async function routeOthers({ plugins = [] }: RegistryExtensions): Promise<RequestListener> {
  if (plugins.length === 0) return notFound
  const { default: fastify } = await import('fastify')
  const app = fastify({ logger: false })
  for (const plugin of plugins) await app.register(async (scope) => plugin(scope))
  app.setNotFoundHandler((request, reply) => {
    reply.hijack()
    notFound(request.raw, reply.raw)
  })
  await app.ready()
  return (request, response) => app.routing(request, response)
}

function notFound(_request: IncomingMessage, response: ServerResponse): void {
  const failure = refuse('UNSUPPORTED', 'there is nothing at this path', { status: 404 })
  response.writeHead(404, { 'Content-Type': 'application/json' }).end(failureBody(failure))
}

function createHttpServer(
  listener: RequestListener,
  { limits }: ServerOptions,
  certificates: Certificates | undefined,
): Server {
  // an upload may take hours; what may not is saying nothing for long
  const settings = { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 75_000, noDelay: true }
  const options = { ...settings, maxHeaderSize: limits.headers }
  const server = certificates
    ? createTlsServer({ ...options, ...certificates.options }, listener)
    : createServer(options, listener)
  server.setTimeout(IDLE)
  // who asks before sending a body hears a refusal instead of "continue"
  server.on('checkContinue', listener)
  return server
}

function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(listenFailed(`${host.includes(':') ? `[${host}]` : host}:${port}`, cause))
    })
    server.listen({ host, port }, resolve)
  })
}

function listenFailed(address: string, cause: Error): Error {
  const [why, hint] = LISTEN_PROBLEMS[errnoOf(cause) ?? ''] ?? [cause.message, undefined]
  return fail('REGISTRY_LISTEN_FAILED', `cannot listen at ${address}: ${why}`, { cause, ...(hint ? { hint } : {}) })
}

function urlOf(server: Server, { host, tls }: ServerOptions): string {
  const { port, address } = server.address() as AddressInfo
  const shown = host === '' ? address : host
  return `${tls ? 'https' : 'http'}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`
}

function close(server: Server, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), patience)
    // connections that are kept alive would be idle for long: they end with the answer that is under way
    const sweep = setInterval(() => server.closeIdleConnections(), 50)
    server.close(() => {
      clearTimeout(timer)
      clearInterval(sweep)
      resolve()
    })
    server.closeIdleConnections()
  })
}
