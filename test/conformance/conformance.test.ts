/** The distribution specification, check by check, against the registry at CONFORMANCE_URL, or else against ours. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RegistryServer, serveRegistry } from '../../src/serve/index.ts'
import { CHECKS } from './checks.ts'
import { openTarget, type Target } from './target.ts'

let target: Target
let own: { server: RegistryServer; root: string } | undefined

beforeAll(async () => {
  const { CONFORMANCE_URL: url, CONFORMANCE_USER: name, CONFORMANCE_PASSWORD: password } = process.env
  if (url !== undefined) {
    target = openTarget(url, name !== undefined && password !== undefined ? { name, password } : undefined)
    return
  }
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-conformance-'))
  own = { root, server: await serveRegistry({ root, config: { listen: '127.0.0.1:0' } }) }
  target = openTarget(own.server.url)
})

afterAll(async () => {
  await own?.server.close()
  if (own) rmSync(own.root, { recursive: true, force: true })
})

test('no two checks have the same name', () => {
  expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length)
})

test.each(CHECKS)('$name', async (check) => {
  await check.run(target)
})
