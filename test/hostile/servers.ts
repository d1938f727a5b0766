/** Servers on the loopback device that answer with malice. */
import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Server extends AsyncDisposable {
  readonly url: string
}

/** Serves on a free port. */
export async function listen(answer: RequestListener): Promise<Server> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Serves the git repositories of a folder with the system's own program (`git http-backend`). */
export function listenForGit(folder: string): Promise<Server> {
  return listen((request, response) => void backend(folder, request, response))
}

async function backend(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const { 'content-type': contentType = '', 'content-encoding': encoding = '' } = request.headers
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: contentType,
      HTTP_CONTENT_ENCODING: encoding,
    },
  })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer)
  const output = Buffer.concat(chunks)
  const cut = output.indexOf('\r\n\r\n')
  const headers = output.subarray(0, Math.max(cut, 0)).toString().split('\r\n').filter(Boolean)
  const status = headers.find((line) => line.startsWith('Status: '))
  response.statusCode = Number(status?.slice(8, 11) ?? 200)
  for (const line of headers) {
    const colon = line.indexOf(':')
    if (!line.startsWith('Status:')) response.setHeader(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  response.end(output.subarray(cut + 4))
}
