import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { directAgent, environmentAgent, httpRequest, proxyAgent } from './http.ts'

let server: Server
let base: URL
const asked: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response
      .writeHead(request.url === '/moved' ? 307 : 200, { Location: '/elsewhere' })
      .end(`you asked for ${request.url}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
afterAll(() => server.close())

test('asks straight, with the query, and by GET when nothing else is said', async () => {
  const agent = await directAgent({})
  const answer = await httpRequest(new URL('/a/b?c=d', base), agent, {})
  expect([answer.statusCode, await text(answer.body)]).toEqual([200, 'you asked for /a/b?c=d'])
  expect(asked.at(-1)).toBe('GET /a/b?c=d')
  await agent.close()
})

test('does not follow a redirect', async () => {
  const agent = await directAgent({})
  const answer = await httpRequest(new URL('/moved', base), agent, { method: 'POST', body: 'x' })
  expect([answer.statusCode, answer.headers['location']]).toEqual([307, '/elsewhere'])
  await answer.body.dump()
  expect(asked.at(-1)).toBe('POST /moved')
  await agent.close()
})

test('a proxy is asked in place of the server', async () => {
  for (const agent of [
    await proxyAgent({ uri: base.href, proxyTunnel: false }),
    await environmentAgent({ httpProxy: base.href, noProxy: '', proxyTunnel: false }),
  ]) {
    const answer = await httpRequest(new URL('http://nowhere.invalid/a'), agent, {})
    expect(await text(answer.body)).toContain('nowhere.invalid/a')
    await agent.close()
  }
})
