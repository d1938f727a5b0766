import { once } from 'node:events'
import http, { type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { handOver } from './hand-over.ts'

async function answer(respond: (response: ServerResponse) => void): Promise<Response> {
  const server = http.createServer((_, response) => respond(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { redirect: 'manual' })
  } finally {
    server.close()
  }
}

test('a proxy is told the internal place of the file, and nothing about lengths', async () => {
  const got = await answer((response) => {
    response.setHeader('Docker-Content-Digest', 'sha256:ab')
    response.setHeader('Content-Range', 'bytes 5-9/10')
    handOver(response, { kind: 'proxy', internalUri: '/files/a b/c%d' })
  })
  expect(got.status).toBe(200)
  expect(got.headers.get('x-accel-redirect')).toBe('/files/a%20b/c%25d')
  expect(got.headers.get('docker-content-digest')).toBe('sha256:ab')
  expect(got.headers.get('content-range')).toBeNull()
  expect(await got.text()).toBe('')
})

test('a client is sent to another server', async () => {
  const got = await answer((response) => handOver(response, { kind: 'server', url: 'https://s3.example/b?sig=1' }))
  expect(got.status).toBe(307)
  expect(got.headers.get('location')).toBe('https://s3.example/b?sig=1')
  expect(await got.text()).toBe('')
})
