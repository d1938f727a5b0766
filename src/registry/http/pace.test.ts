import { expect, test } from 'vitest'
import { silentJob } from '../../core/index.ts'
import { Pace } from './pace.ts'

/** How many turns are given at once. */
async function widthOf(pace: Pace): Promise<number> {
  const given: (() => void)[] = []
  const stop = new AbortController()
  const turns = Array.from({ length: 20 }, () =>
    pace.turn({ ...silentJob, signal: stop.signal }).then(
      (done) => given.push(done),
      () => {},
    ),
  )
  await new Promise((resolve) => setImmediate(resolve))
  const width = given.length
  stop.abort()
  for (const done of given) done()
  await Promise.all(turns)
  return width
}

test('so many run at once, fewer after a complaint, and slowly more again', async () => {
  const pace = new Pace(6)
  expect(await widthOf(pace)).toBe(6)
  pace.slower()
  expect(await widthOf(pace)).toBe(3)
  for (let i = 0; i < 10; i++) pace.slower()
  expect(await widthOf(pace)).toBe(1)
  pace.faster()
  expect(await widthOf(pace)).toBe(2)
  for (let i = 0; i < 100; i++) pace.faster()
  expect(await widthOf(pace)).toBe(6)
})

test('turns come in order, and are given back once', async () => {
  const pace = new Pace(1)
  const order: number[] = []
  const first = await pace.turn(silentJob)
  const others = [1, 2].map(async (number) => {
    const done = await pace.turn(silentJob)
    order.push(number)
    done()
  })
  first()
  first()
  await Promise.all(others)
  expect(order).toEqual([1, 2])
  expect(await widthOf(pace)).toBe(1)
})

test('who is canceled waits no longer', async () => {
  const pace = new Pace(1)
  await pace.turn(silentJob)
  const stop = new AbortController()
  const waiting = pace.turn({ ...silentJob, signal: stop.signal })
  stop.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELED' })
  await expect(pace.turn({ ...silentJob, signal: stop.signal })).rejects.toMatchObject({ code: 'CANCELED' })
})
