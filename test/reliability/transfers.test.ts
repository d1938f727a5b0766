/** What may happen to transfers, with a small layer; `transfers.ts` has the full size. What `test/e2e` has is not repeated. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runtimeFolder } from './traces.ts'
import { SCENARIOS } from './transfer-scenarios.ts'
import { makeOriginal, type Original, play } from './transfers.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-transfers-'))
let original: Original

beforeAll(async () => {
  original = await makeOriginal(folder, 8)
}, 60_000)
afterAll(() => {
  rmSync(runtimeFolder(path.join(folder, 'original')), { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
})

const chosen = ['one-push-of-two', 'reboot', 'damaged-end', 'full-disk', 'listed']

test.each(SCENARIOS.filter(({ name }) => chosen.includes(name)))(
  '$name',
  async (scenario) => {
    expect(await play(scenario, original, 'own')).toBeTruthy()
  },
  120_000,
)
