import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach } from 'vitest'
import { findProgram } from '../../host/index.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** Why tests with git cannot run here, if they cannot. */
export const noGit: boolean = findProgram('git') === undefined

const AUTHOR = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'Somebody'],
    [`GIT_${who}_EMAIL`, 'somebody@example.invalid'],
    [`GIT_${who}_DATE`, '1445412480 +0000'],
  ]),
)

/** The time of every commit of these tests. */
export const COMMIT_TIME = 1445412480

/** A working tree of a test. */
export class WorkTree {
  readonly folder: string

  constructor(folder: string, format = 'sha1') {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
    this.git('init', '-q', '-b', 'main', `--object-format=${format}`)
  }

  git(...args: string[]): string {
    const settings = ['-c', 'protocol.file.allow=always', '-c', 'core.protectNTFS=false', '-c', 'safe.directory=*']
    const env = { ...process.env, ...AUTHOR, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
    return execFileSync('git', [...settings, ...args], { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
      .toString()
      .trim()
  }

  /** Files (text; an array is where a link points), committed. */
  commit(files: Record<string, string | [string]>, message = 'change'): string {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.folder, name)
      mkdirSync(path.dirname(file), { recursive: true })
      rmSync(file, { force: true })
      if (typeof content === 'string') writeFileSync(file, content)
      else symlinkSync(content[0], file)
      if (typeof content === 'string' && content.startsWith('#!')) chmodSync(file, 0o755)
    }
    this.git('add', '-A')
    this.git('commit', '-q', '--allow-empty', '-m', message)
    return this.git('rev-parse', 'HEAD')
  }
}

/** Repositories behind a web server of git's own, on the loopback. */
export interface GitServer {
  /** Ends without a slash. */
  url: string
  /** Method and path of each request, with its credentials. */
  asked: string[]
  /** A working tree whose repository is served as `/NAME/.git`. */
  tree(name: string, format?: string): WorkTree
  folder: string
}

/** Starts a server; `guard` may answer a request itself, by returning true. */
export async function gitServer(
  guard: (request: http.IncomingMessage, response: http.ServerResponse) => boolean = () => false,
): Promise<GitServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-git-'))
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim())
    if (!guard(request, response)) serve(folder, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true, force: true })
  })
  const { port } = server.address() as AddressInfo
  const tree = (name: string, format?: string): WorkTree => new WorkTree(path.join(folder, name), format)
  return { url: `http://127.0.0.1:${port}`, asked, tree, folder }
}

/** CGI, as far as git http-backend needs it. */
function serve(root: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://x')
  const { 'git-protocol': protocol, 'content-type': type, 'content-encoding': encoding } = request.headers
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: type ?? '',
    ...(protocol ? { GIT_PROTOCOL: String(protocol) } : {}),
    ...(encoding ? { HTTP_CONTENT_ENCODING: encoding } : {}),
  }
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', () => {
    const all = Buffer.concat(chunks)
    const cut = all.indexOf('\r\n\r\n')
    const headers = all
      .subarray(0, cut)
      .toString()
      .split('\r\n')
      .map((line) => line.split(/: (.*)/s) as [string, string])
    const status = headers.find(([name]) => name === 'Status')?.[1]
    response.writeHead(Number.parseInt(status ?? '200', 10), Object.fromEntries(headers))
    response.end(all.subarray(cut + 4))
  })
}
