import { expect, test, vi } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { temporaryFolder } from '../fixture.suite.ts'
import { RegistryDatabase } from './database.ts'
import { RecentUses } from './recent-uses.ts'

const one = digestOf('one')
const two = digestOf('two')

function at<T>(time: number, work: () => T): T {
  vi.useFakeTimers({ now: time, toFake: ['Date'] })
  try {
    return work()
  } finally {
    vi.useRealTimers()
  }
}

test('what is not known was used by the latest when an earlier process ended', () => {
  using db = new RegistryDatabase(`${temporaryFolder()}/registry.db`)
  const first = at(1000, () => new RecentUses(db))
  at(2000, () => first.note('a', one))
  at(3000, () => first.note('a', two))
  expect([first.last('a', one), first.last('a', two), first.last('b', one)]).toEqual([2000, 3000, 1000])
  at(9000, () => first.close())
  const second = at(10_000, () => new RecentUses(db))
  expect([second.last('a', one), second.last('b', one)]).toEqual([3000, 3000])
  // nothing was used meanwhile: looking again and again does not put things off
  second.close()
  expect(at(20_000, () => new RecentUses(db)).last('a', one)).toBe(3000)
})

test('a process that was killed may have answered until now', () => {
  using db = new RegistryDatabase(`${temporaryFolder()}/registry.db`)
  at(1000, () => new RecentUses(db)).close()
  at(2000, () => new RecentUses(db))
  expect(at(3000, () => new RecentUses(db)).last('a', one)).toBe(3000)
})
