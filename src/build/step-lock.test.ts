import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { digestFor } from './fixture.suite.ts'
import { lockStep } from './step-lock.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-locks-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const work = digestFor('work')
const never = (): void => {
  throw new Error('nobody is to be waited for')
}

test('one at a time, and the next is told that it has waited', async () => {
  const first = await lockStep(path.join(folder, 'new'), work, never, silentJob)
  expect(first.waited).toBe(false)
  let said = 0
  const second = lockStep(path.join(folder, 'new'), work, () => said++, silentJob)
  expect(said).toBe(1)
  first.release()
  expect((await second).waited).toBe(true)
  ;(await second).release()
  const third = await lockStep(path.join(folder, 'new'), work, never, silentJob)
  third.release()
})

test('other work does not wait', async () => {
  const first = await lockStep(folder, work, never, silentJob)
  const other = await lockStep(folder, digestFor('other work'), never, silentJob)
  first.release()
  other.release()
})

test('waiting stops with the job', async () => {
  const held = await lockStep(folder, work, never, silentJob)
  const controller = new AbortController()
  const waiting = lockStep(folder, work, () => controller.abort(), { progress: () => {}, signal: controller.signal })
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELED' })
  held.release()
})
