import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLimit, mapLimit, OnceAtATime, OncePerKey } from './concurrency.ts'

test('createLimit never runs more than its limit', async () => {
  const limit = createLimit(2)
  let running = 0
  let most = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, ++running)
    await sleep(1)
    running--
  }
  await Promise.all(Array.from({ length: 20 }, () => limit(work)))
  expect(most).toBe(2)
})

test('mapLimit keeps the order of its items', async () => {
  const result = await mapLimit([30, 5, 10, 1], 3, async (ms) => {
    await sleep(ms)
    return ms * 2
  })
  expect(result).toEqual([60, 10, 20, 2])
})

test('mapLimit starts nothing after a failure and leaves nothing running', async () => {
  const started: number[] = []
  let running = 0
  const result = mapLimit([1, 2, 3, 4, 5, 6], 2, async (n) => {
    started.push(n)
    running++
    await sleep(n)
    running--
    if (n === 1) throw new Error('one')
  })
  await expect(result).rejects.toThrow('one')
  expect(running).toBe(0)
  expect(started.length).toBeLessThan(6)
})

test('OncePerKey shares the making, and forgets a failure', async () => {
  const once = new OncePerKey<string, number>()
  let calls = 0
  const make = async (): Promise<number> => {
    await sleep(1)
    if (++calls === 1) throw new Error('first')
    return calls
  }
  const failed = await Promise.allSettled([once.get('a', make), once.get('a', make)])
  expect(failed.map((r) => r.status)).toEqual(['rejected', 'rejected'])
  expect(await Promise.all([once.get('a', make), once.get('a', make)])).toEqual([2, 2])
})

test('OnceAtATime shares the making, and makes anew afterwards', async () => {
  const shared = new OnceAtATime<string, number>()
  let calls = 0
  const make = async (): Promise<number> => {
    await sleep(1)
    if (++calls === 2) throw new Error('second')
    return calls
  }
  expect(await Promise.all([shared.get('a', make), shared.get('a', make)])).toEqual([1, 1])
  const failed = await Promise.allSettled([shared.get('a', make), shared.get('a', make)])
  expect(failed.map((r) => r.status)).toEqual(['rejected', 'rejected'])
  expect(await shared.get('a', make)).toBe(3)
})
