/** Clients of a registry that collects and is killed, in small; `registry.ts` has the full size. */
import os from 'node:os'
import { expect, test } from 'vitest'
import { runLoad } from './registry.ts'

test('nothing that was acknowledged is lost, and nothing stays that nobody needs', { timeout: 180_000 }, async () => {
  const report = await runLoad({ clients: 8, kills: 2, seed: 1, folder: os.tmpdir(), grace: 4 })
  expect([...report.problems, ...report.findings.broken, ...report.findings.leftovers]).toEqual([])
  expect(report.promised).toBeGreaterThan(0)
  expect(report.taken.manifests).toBeGreaterThan(0)
})
