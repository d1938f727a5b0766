import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { findProgram } from '../../../host/index.ts'
import { parseConfig } from '../config.ts'
import { type RegistryServer, serveRegistry } from '../serve.ts'
import type { OffloadConfig } from './offload.ts'

const root = mkdtempSync(path.join(tmpdir(), 'slipway-offload-'))
afterEach(() => rmSync(root, { recursive: true, force: true }))

const bytes = Buffer.from('some content of a layer'.repeat(10_000))
const digest = digestOf(bytes)

async function serve(offload: OffloadConfig): Promise<RegistryServer> {
  mkdirSync(root, { recursive: true })
  const registry = await serveRegistry({ root, config: { listen: '127.0.0.1:0', offload } })
  const url = `${registry.url}/v2/app/blobs/uploads/?digest=${digest}`
  expect((await fetch(url, { method: 'POST', body: bytes })).status).toBe(201)
  return registry
}

test('clients are sent to another server, and HEAD is answered here', async () => {
  await using registry = await serve({ redirect: 'https://files.example/r/' })
  const url = `${registry.url}/v2/app/blobs/${digest}`
  const got = await fetch(url, { redirect: 'manual' })
  expect(got.status).toBe(307)
  expect(got.headers.get('location')).toMatch(/^https:\/\/files\.example\/r\/[^.]+$/)
  expect(got.headers.get('location')).toContain(digest.slice(7))
  const head = await fetch(url, { method: 'HEAD', redirect: 'manual' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)])
})

test('a proxy is told where the file is, and nothing about lengths', async () => {
  await using registry = await serve({ accel_location: '/internal' })
  const headers = { Range: 'bytes=5-9' }
  const got = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { headers })
  expect(got.status).toBe(200)
  expect(got.headers.get('x-accel-redirect')).toMatch(/^\/internal\/.*[0-9a-f]{64}/)
  expect(got.headers.get('content-range')).toBeNull()
  expect(await got.text()).toBe('')
})

const nginx = findProgram('nginx')

test.skipIf(!nginx)('nginx sends the file, and parts of it', async () => {
  await using registry = await serve({ accel_location: '/internal/' })
  const port = await freePort()
  const conf = path.join(root, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${root}/tmp;`)
  writeFileSync(
    conf,
    `daemon off; master_process off; pid ${root}/nginx.pid; error_log stderr; events {}
    http { access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port};
        location / { proxy_pass ${registry.url}; proxy_set_header Host $http_host; }
        location /internal/ { internal; alias ${root}/; } } }`,
  )
  const child = spawn(nginx!, ['-c', conf, '-p', root], { stdio: 'ignore' })
  try {
    const url = `http://127.0.0.1:${port}/v2/app/blobs/${digest}`
    let whole: Response | undefined
    for (let at = 0; at < 100 && !whole; at++) whole = await fetch(url).catch(() => void sleep(20))
    expect(Buffer.from(await whole!.arrayBuffer()).equals(bytes)).toBe(true)
    const part = await fetch(url, { headers: { Range: 'bytes=100-' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100))).toBe(true)
    expect((await fetch(`http://127.0.0.1:${port}/internal/x`)).status).toBe(404)
  } finally {
    child.kill()
    await once(child, 'exit')
  }
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

test.each([
  ['accel_location = "internal"', /must be a path/],
  ['redirect = "ftp://x"', /must be an http or https address/],
  ['accel_location = "/a"\nredirect = "http://x"', /exclude each other/],
])('%j is refused', (text, words) => {
  expect(() => parseConfig(`[offload]\n${text}\n`, 'registry.toml')).toThrow(words)
})
