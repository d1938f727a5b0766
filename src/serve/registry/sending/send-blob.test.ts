import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import type { FinishedRequest } from '../extensions.ts'
import { serveRegistry } from '../serve.ts'

test('a big blob comes whole and in parts, and its bytes are counted', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-send-blob-'))
  const finished: FinishedRequest[] = []
  const parts = [() => ({ finished: (request: FinishedRequest) => void finished.push(request) })]
  await using registry = await serveRegistry({ root, config: { listen: '127.0.0.1:0' }, parts })
  const bytes = randomBytes(9_000_000)
  const base = `${registry.url}/v2/app/blobs`
  const digest = digestOf(bytes)
  const put = await fetch(`${base}/uploads/?digest=${digest}`, { method: 'POST', body: bytes })
  expect(put.status).toBe(201)

  const whole = await fetch(`${base}/${digest}`)
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)
  const part = await fetch(`${base}/${digest}`, { headers: { Range: 'bytes=1000000-7999999' } })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000000-7999999/9000000'])
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000, 8_000_000))).toBe(true)

  const gets = (): FinishedRequest[] => finished.filter(({ method }) => method === 'GET')
  await expect.poll(() => gets().length).toBe(2)
  const [first, second] = gets().map(({ bytesSent }) => bytesSent)
  expect(first).toBeGreaterThanOrEqual(9_000_000)
  expect(second).toBeGreaterThanOrEqual(7_000_000)
  expect(second).toBeLessThan(7_100_000)
  rmSync(root, { recursive: true })
})
