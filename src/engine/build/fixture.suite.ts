import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach } from 'vitest'
import { fromByteString, type Job, type ProgressEvent, SlipwayError } from '../../core/index.ts'
import { openTestEngine } from '../fixture.suite.ts'
import type { BuildReport, BuildRequest } from '../index.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

/** A folder with these files, gone after the test. A name with a slash at the end is a folder. */
export function folderOf(files: Readonly<Record<string, string | { symlink: string }>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-context-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, file] of Object.entries(files)) {
    const at = path.join(folder, name)
    mkdirSync(name.endsWith('/') ? at : path.dirname(at), { recursive: true })
    if (typeof file === 'object') symlinkSync(file.symlink, at)
    else if (!name.endsWith('/')) writeFileSync(at, file)
  }
  return folder
}

/** A web server with these answers by path, gone after the test. `requests` hears what was asked. */
export async function serve(
  answers: Record<string, string | Buffer | { body: string | Buffer; headers: Record<string, string> }>,
): Promise<{ url: string; requests: string[]; answers: typeof answers }> {
  const requests: string[] = []
  const server = http.createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const answer = answers[request.url!]
    if (answer === undefined) return void response.writeHead(404).end()
    const { body, headers } = typeof answer === 'object' && 'body' in answer ? answer : { body: answer, headers: {} }
    if (headers['etag'] && request.headers['if-none-match'] === headers['etag'])
      return void response.writeHead(304).end()
    response.writeHead(200, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => void server.close())
  server.unref()
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, answers }
}

/** An engine whose builds can be looked into. */
export interface Builder {
  engine: ReturnType<typeof openTestEngine>['engine']
  store: ReturnType<typeof openTestEngine>['store']
  events: ProgressEvent[]
  build(request: BuildRequest): Promise<BuildReport>
  /** Paths of the files in the image that this makes, with their texts. */
  files(request: BuildRequest): Promise<Record<string, string>>
  /** The error that a build ends with. */
  error(request: BuildRequest): Promise<SlipwayError>
}

/** Opens an engine over a store that is gone after the test. */
export function openBuilder(): Builder {
  const { engine, store } = openTestEngine()
  const events: ProgressEvent[] = []
  const job: Job = { progress: (event) => void events.push(event) }
  const build = (request: BuildRequest): Promise<BuildReport> => engine.build(request, job)
  return {
    engine,
    store,
    events,
    build,
    async files(request) {
      const { digest } = await build(request)
      const { config } = store.images.config(store.images.get(digest)!)
      const tree = await store.layers.tree(config.rootfs.diff_ids)
      const found = [...tree.walk()].filter((entry) => entry.kind === 'file')
      return Object.fromEntries(
        found.map(({ path }) => [fromByteString(path), tree.readFile(path, 1 << 20)!.toString()]),
      )
    },
    async error(request) {
      try {
        await build(request)
      } catch (error) {
        if (error instanceof SlipwayError) return error
        throw error
      }
      throw new Error('the build went well')
    },
  }
}
