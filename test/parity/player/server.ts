import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { archive, forge } from '../../../src/layer/tar/forge.suite.ts'
import { bytesOf, type Fixture, isObject, Unplayable, type Value } from './document.ts'

/** A server on the loopback device. */
export interface Server extends AsyncDisposable {
  readonly url: string
}

interface Answer {
  body: Buffer
  etag: string | undefined
}

let servers = 0

/** Serves the files of a fixture, each server with a date of its own. */
export async function serve(fixture: Fixture): Promise<Server> {
  const answers = answersOf(fixture)
  const modified = new Date(Date.UTC(2024, 0, 1, 12, 0, 0) + servers++ * 3_600_000).toUTCString()
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '')
    if (!answer) return void response.writeHead(404).end()
    const headers = answer.etag === undefined ? { 'last-modified': modified } : { etag: `"${answer.etag}"` }
    response.writeHead(200, { ...headers, 'content-length': answer.body.length })
    response.end(request.method === 'HEAD' ? undefined : answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answersOf({ files = {}, responses = {} }: Fixture): Map<string, Answer> {
  const plain = Object.entries(files).map(([name, content]): [string, Answer] => [
    `/${name}`,
    { body: bodyOf(content), etag: undefined },
  ])
  const others = Object.entries(responses).map(([place, { Content, Etag }]): [string, Answer] => [
    place,
    { body: bodyOf(Content), etag: Etag },
  ])
  return new Map([...plain, ...others])
}

/** Bytes, or `{ $: 'buf', parts: [{ tar: [header...] }] }`. */
export function bodyOf(content: Value): Buffer {
  if (!isObject(content)) return bytesOf(content)
  const parts = content['parts']
  if (content['$'] !== 'buf' || !Array.isArray(parts)) throw new Unplayable(`body ${JSON.stringify(content)}`)
  return Buffer.concat(
    parts.map((part: Value) => (isObject(part) && 'tar' in part ? tarOf(part['tar']!) : bytesOf(part))),
  )
}

function tarOf(headers: Value): Buffer {
  if (!Array.isArray(headers)) throw new Unplayable('an archive without a list of entries')
  const entries = headers.map((header: { [name: string]: Value }) => {
    const content = bytesOf(header['content'] ?? '')
    return forge({ name: String(header['Name']), mode: Number(header['Mode'] ?? 0o644) }, content)
  })
  return archive(...entries)
}
