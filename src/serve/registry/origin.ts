import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'

/** Where a change comes from, for those that record it. */
export interface Origin {
  readonly address: string
  readonly userAgent: string
  readonly method: string
  /** The registry's name as the client knows it. */
  readonly host: string
}

const current = new AsyncLocalStorage<Origin>()

/** Where the change that is being made comes from; `undefined` for what the registry does on its own. */
export function currentOrigin(): Origin | undefined {
  return current.getStore()
}

/** Answers a request so that all it changes has it as its origin. Requests that only read pay nothing. */
export function withOrigin(request: IncomingMessage, answer: () => void): void {
  const { method = '', headers, socket } = request
  if (method === 'GET' || method === 'HEAD') {
    answer()
    return
  }
  const address = socket.remoteAddress === undefined ? '' : `${socket.remoteAddress}:${socket.remotePort}`
  const userAgent = headers['user-agent'] ?? ''
  current.run({ address, userAgent, method, host: headers.host ?? '' }, answer)
}
