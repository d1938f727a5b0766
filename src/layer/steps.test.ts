import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { runAtOnce, runPaced, type Steps } from './steps.ts'

function* count(to: number, closed: () => void): Steps<number> {
  try {
    for (let i = 0; i < to; i++) yield
    return to
  } finally {
    closed()
  }
}

test('work gives its result, in one go or paced', async () => {
  expect(runAtOnce(count(3, () => {}))).toBe(3)
  expect(
    await runPaced(
      count(3, () => {}),
      silentJob,
    ),
  ).toBe(3)
})

test('timers run while paced work goes on', async () => {
  let ticked = false
  function* busy(): Steps<boolean> {
    const end = performance.now() + 2000
    while (!ticked && performance.now() < end) yield
    return ticked
  }
  void sleep(1).then(() => {
    ticked = true
  })
  expect(await runPaced(busy(), silentJob)).toBe(true)
})

test('canceled work is closed', async () => {
  let closed = 0
  const controller = new AbortController()
  controller.abort()
  const work = count(1000, () => closed++)
  await expect(runPaced(work, { ...silentJob, signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELED' })
  expect(closed).toBe(1)
})
