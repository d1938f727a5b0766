import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { digestOf } from '../../../src/core/index.ts'
import { serveRegistry } from '../../../src/serve/registry/index.ts'
import { describe, runCampaign } from './campaign.ts'
import { Chance } from './chance.ts'
import { openChaosProxy } from './chaos-proxy.ts'
import { noise } from './image.ts'

const root = mkdtempSync(path.join(tmpdir(), 'slipway-chaos-test-'))
const registry = await serveRegistry({ root, config: { listen: '127.0.0.1:0' } })
const port = Number(new URL(registry.url).port)
afterAll(async () => {
  await registry.close()
  rmSync(root, { recursive: true })
})

test('transfers through a proxy that disturbs them end well, and fetch little twice', {
  timeout: 240_000,
}, async () => {
  const sizes = [60_000, 1_500_000, 5_000_000]
  const seed = 20_241_101
  const result = await runCampaign({ registry: port, transfers: 20, seed, mostFaults: 4, atOnce: 4, sizes })
  expect(result.damaged.map(describe)).toEqual([])
  expect(result.failed.map(describe)).toEqual([])
  expect(result.faults).toBeGreaterThan(20)
  expect(result.fetched).toBeLessThan(1.1)
  expect(result.uploaded).toBeLessThan(1.5)
})

/** What a client sees of one request: bytes that came, and how it ended. */
function ask(host: string, target: string): Promise<{ status: number; bytes: number; ended: string }> {
  return new Promise((resolve) => {
    let [status, bytes] = [0, 0]
    const end = (ended: string): void => resolve({ status, bytes, ended })
    const asked = request(`http://${host}${target}`, { agent: false, timeout: 500 }, (answer) => {
      status = answer.statusCode ?? 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.on('end', () => end('end'))
      answer.on('error', (error: Error & { code?: string }) => end(error.code ?? ''))
    })
    asked.on('timeout', () => end('stall'))
    asked.on('error', (error: Error & { code?: string }) => end(error.code ?? ''))
    asked.end()
  })
}

test('the proxy does all it can do, no more often than it may, and the same for the same seed', async () => {
  const blob = noise(300_000, 7)
  const digest = digestOf(blob)
  const pushed = await fetch(`${registry.url}/v2/a/blobs/uploads/?digest=${digest}`, { method: 'POST', body: blob })
  expect(pushed.status).toBe(201)
  const seen = new Set<string>()
  const session = async (seed: number): Promise<string[]> => {
    await using proxy = await openChaosProxy({ registry: port, seed, mostFaults: 4 })
    for (let at = 0; at < 8; at++) seen.add((await ask(proxy.host, `/v2/a/blobs/${digest}`)).ended)
    const last = await ask(proxy.host, `/v2/a/blobs/${digest}`)
    const real = proxy.faults.filter((fault) => !fault.includes('"slow"'))
    expect(real.length).toBeLessThanOrEqual(4)
    if (real.length === 4) expect(last).toEqual({ status: 200, bytes: blob.length, ended: 'end' })
    return proxy.faults.map((fault) => fault.replace(/"retryAfter":"[^"]*GMT"/, ''))
  }
  for (let seed = 0; seed < 4; seed++) expect(await session(seed)).toEqual(await session(seed))
  for (let seed = 4; seed < 40 && !seen.has('stall'); seed++) await session(seed)
  expect([...seen]).toEqual(expect.arrayContaining(['end', 'ECONNRESET', 'stall']))
})

test('chance is the same for the same seed, and spreads', () => {
  const [one, same, other] = [new Chance(1), new Chance(1), new Chance(2)]
  const draw = (chance: Chance): number[] => Array.from({ length: 1000 }, () => chance.next())
  const [a, b, c] = [draw(one), draw(same), draw(other)]
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
  const mean = a.reduce((sum, each) => sum + each, 0) / a.length
  expect(mean).toBeGreaterThan(0.45)
  expect(mean).toBeLessThan(0.55)
})
