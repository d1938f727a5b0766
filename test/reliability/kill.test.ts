/** The short version of `kill.ts`. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { randomNumbers, runCampaign } from './kill.ts'
import { SMALL } from './workload.ts'

const isRoot = process.getuid?.() === 0

test.skipIf(!isRoot)(
  'commands that are killed at random moments lose nothing and leave nothing (needs root)',
  async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-kill-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const results = await runCampaign({ trials: 8, seed: 3, folder, size: SMALL })
    expect(results).toHaveLength(8)
    for (const { trial, outcome } of results) {
      const { reference, victim, delay } = trial
      const { seconds, operation } = reference
      expect(outcome.problems, `${operation.name}, ${victim} after ${delay} of ${seconds} s`).toEqual([])
    }
  },
  300_000,
)

test('a seed chooses the same moments again', () => {
  const numbers = (seed: number): number[] => Array.from({ length: 5 }, randomNumbers(seed))
  expect(numbers(1)).toEqual(numbers(1))
  expect(numbers(1)).not.toEqual(numbers(2))
  for (const each of numbers(1)) expect(each >= 0 && each < 1).toBe(true)
})
