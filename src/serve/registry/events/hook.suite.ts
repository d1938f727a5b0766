import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that a hook got. */
export interface Told {
  headers: IncomingHttpHeaders
  body: string
}

/** A hook on loopback that remembers what it was told. */
export interface HookServer extends AsyncDisposable {
  url: string
  told: Told[]
  /** How it answers: a status, or silence. */
  answer: number | 'nothing'
  /** Resolves when it has been told this many times. */
  heard(count: number): Promise<void>
}

export async function openHookServer(): Promise<HookServer> {
  const waiting: { count: number; wake: () => void }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    hook.told.push({ headers: request.headers, body })
    if (hook.answer !== 'nothing') response.writeHead(hook.answer).end('thank you')
    for (const { count, wake } of waiting) if (hook.told.length >= count) wake()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hook: HookServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    told: [],
    answer: 200,
    heard: (count) =>
      new Promise((wake) => {
        if (hook.told.length >= count) wake()
        else waiting.push({ count, wake })
      }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return hook
}
