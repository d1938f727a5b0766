import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http, { type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findProgram } from '../../../src/host/index.ts'
import { compare, type Figures, type RegistryReport, renderRegistry } from './figures.ts'
import { digestOf, perform } from './load.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-registry-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function withServer<T>(listener: RequestListener, work: (port: number) => Promise<T>): Promise<T> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await work((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const requests = { kind: 'requests', status: 200, connections: 3, seconds: 0.2 } as const

test('the load client sends as many requests as the server sees, and each says another number', async () => {
  const targets = new Set<string>()
  let seen = 0
  const listener: RequestListener = (request, response) => {
    seen++
    targets.add(request.url!)
    response.end('hello'.repeat(40_000))
  }
  const taken = await withServer(listener, (port) => perform(port, { ...requests, method: 'GET', target: '/a-{n}' }))
  expect(taken.requests).toBe(seen)
  expect(targets.size).toBe(seen)
  expect(taken.bytes).toBe(seen * 200_000)
  expect(taken.p50).toBeLessThanOrEqual(taken.p99!)
})

test('HEAD has no body to wait for', async () => {
  const listener: RequestListener = (_, response) => response.setHeader('Content-Length', 77).end()
  const taken = await withServer(listener, (port) => perform(port, { ...requests, method: 'HEAD', target: '/' }))
  expect(taken.requests).toBeGreaterThan(2)
})

test('an answer that is not the expected one ends the measurement', async () => {
  const listener: RequestListener = (_, response) => response.writeHead(500).end()
  const asking = withServer(listener, (port) => perform(port, { ...requests, method: 'GET', target: '/' }))
  await expect(asking).rejects.toThrow('GET /: 500 and not 200')
  const closing: RequestListener = (_, response) => response.destroy()
  const cut = withServer(closing, (port) => perform(port, { ...requests, method: 'GET', target: '/' }))
  await expect(cut).rejects.toThrow(/closed|ECONNRESET/)
})

test.each([false, true])('an upload brings the whole file, patch: %s', async (patch) => {
  const file = path.join(folder, 'blob')
  writeFileSync(file, Buffer.alloc(3_333_333, 'x'))
  const digest = digestOf(file)
  const said: string[] = []
  const hash = createHash('sha256')
  const listener: RequestListener = async (request, response) => {
    for await (const chunk of request) hash.update(chunk as Buffer)
    said.push(`${request.method} ${request.url}`)
    response.writeHead(request.method === 'PUT' ? 201 : 202, { Location: '/next?a=b', 'Content-Length': 0 }).end()
  }
  await withServer(listener, (port) => perform(port, { kind: 'upload', repository: 'r', file, digest, patch }))
  expect(`sha256:${hash.digest('hex')}`).toBe(digest)
  const start = 'POST /v2/r/blobs/uploads/'
  expect(said).toEqual([start, ...(patch ? ['PATCH /next?a=b'] : []), `PUT /next?a=b&digest=${digest}`])
})

test('a download that is too short is not counted', async () => {
  const listener: RequestListener = (_, response) => response.end('short')
  const work = { kind: 'download', target: '/', bytes: 10, clients: 2 } as const
  await expect(withServer(listener, (port) => perform(port, work))).rejects.toThrow('5 bytes')
})

const figures = (requests: number, cpu: number, wall = 1): Figures => ({
  requests,
  cpu,
  wall,
  bytes: 2 ** 30,
  memory: 1,
})

test('requests are compared by CPU per request, bytes by CPU per byte', () => {
  const servers = [
    { name: 'slipway', role: 'ours' as const, rounds: [figures(1000, 1)] },
    { name: 'other', role: 'peer' as const, rounds: [figures(100, 2)] },
  ]
  expect(compare({ id: 'a', title: 'A', kind: 'requests', servers })).toMatchObject({
    cpu: { value: 0.05 },
    wall: { value: 0.1 },
  })
  expect(compare({ id: 'a', title: 'A', kind: 'bytes', servers })?.cpu.value).toBe(0.5)
  expect(compare({ id: 'a', title: 'A', kind: 'bytes', servers: servers.slice(1) })).toBeUndefined()
})

test.skipIf(!findProgram('docker-registry'))('a run against docker-registry has all figures', () => {
  const [json, work] = [path.join(folder, 'report.json'), path.join(folder, 'work')]
  const small = ['--rounds', '1', '--seconds', '0.1', '--connections', '4', '--mebibytes', '1']
  const args = ['--servers', 'docker-registry', ...small, '--folder', work, '--json', json]
  execFileSync(process.execPath, [path.join(import.meta.dirname, 'run.ts'), ...args], { stdio: 'pipe' })
  const report = JSON.parse(readFileSync(json, 'utf8')) as RegistryReport
  expect(report.leftOut).toEqual([])
  expect(report.results.map(({ servers }) => servers[0]?.rounds.length)).toEqual(Array(12).fill(1))
  expect(renderRegistry(report)).toMatch(/^\| GET manifest by tag \| \d+ \(\d+; [\d.]+ ms; \d+\) \| {2}\| {2}\|$/m)
  expect(readdirSync(work)).toEqual([])
})

test('a server that does not start is left out with what it said', () => {
  const json = path.join(folder, 'missing.json')
  const args = ['--servers', 'slipway', '--slipway', '/nonexistent/slipway', '--rounds', '1', '--mebibytes', '1']
  const run = [path.join(import.meta.dirname, 'run.ts'), ...args, '--folder', path.join(folder, 'none'), '--json', json]
  execFileSync(process.execPath, run, { stdio: 'pipe' })
  const report = JSON.parse(readFileSync(json, 'utf8')) as RegistryReport
  expect(report.leftOut).toEqual([{ what: 'slipway', why: expect.stringContaining('ENOENT') }])
})
