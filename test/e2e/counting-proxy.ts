/** A proxy in front of a registry that counts what blobs cost, and can let a transfer hang. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a proxy has seen, and how it is told to hang. */
export interface CountingProxy extends AsyncDisposable {
  /** `127.0.0.1:40001`, for names of images. */
  readonly domain: string
  /** `GET /v2/app/manifests/1`, in order. */
  readonly requests: string[]
  /** Bytes of blobs that went to clients, and that came from them. */
  readonly counts: { down: number; up: number }
  /** From now on nothing passes after so many more bytes of blobs, in either direction; resolves when that is so. */
  hangAfter(bytes: number): Promise<void>
  /** Everything passes again; what hangs is cut off. */
  release(): void
}

/** Starts a proxy for the registry at `target` (`127.0.0.1:5000`). */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const [host, port] = target.split(':') as [string, string]
  const requests: string[] = []
  const counts = { down: 0, up: 0 }
  let left = Number.POSITIVE_INFINITY
  let hung: () => void = () => {}
  const open = new Set<http.IncomingMessage>()
  const pass = (from: http.IncomingMessage, to: NodeJS.WritableStream, direction: 'down' | 'up' | undefined): void => {
    open.add(from)
    from.on('close', () => open.delete(from))
    from.on('error', () => {})
    from.on('end', () => to.end())
    from.on('data', (chunk: Buffer) => {
      const part = direction ? chunk.subarray(0, Math.max(0, left)) : chunk
      if (direction) {
        counts[direction] += part.length
        left -= part.length
      }
      const isFree = to.write(part)
      if (direction && left <= 0) {
        from.pause()
        hung()
      } else if (!isFree) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
  }
  const server = http.createServer({ requestTimeout: 0 }, (request, response) => {
    const { method = '', url = '', headers } = request
    requests.push(`${method} ${url}`)
    const isBlob = url.includes('/blobs/')
    const forward = http.request({ host, port, method, path: url, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      pass(answer, response, isBlob && method === 'GET' ? 'down' : undefined)
    })
    forward.on('error', () => response.destroy())
    response.on('error', () => {})
    response.on('close', () => response.writableFinished || forward.destroy())
    pass(request, forward, isBlob && method !== 'GET' ? 'up' : undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    domain: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    counts,
    hangAfter(bytes) {
      left = bytes
      return new Promise((resolve) => {
        hung = resolve
      })
    },
    release() {
      left = Number.POSITIVE_INFINITY
      for (const each of open) if (each.isPaused()) each.destroy()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
