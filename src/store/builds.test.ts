import { expect, test } from 'vitest'
import type { BuildRow } from './builds.ts'
import { temporaryStore } from './fixture.suite.ts'

const build = (at: number, definition = 'a'): BuildRow => ({
  id: `${definition} ${at}`,
  definition,
  startedAt: at,
  record: { at },
})

test('builds are found by what was built, latest first', () => {
  const { builds } = temporaryStore()
  expect(builds.latest()).toBeUndefined()
  for (const each of [build(2), build(3, 'b'), build(1)]) builds.save(each)
  expect(builds.of('a')).toEqual([build(2), build(1)])
  expect(builds.latest()).toEqual(build(3, 'b'))
})

test('old builds are forgotten: ten of one definition stay, two hundred in all', () => {
  const { builds } = temporaryStore()
  for (let at = 1; at <= 12; at++) builds.save(build(at))
  expect(builds.of('a').map((each) => each.startedAt)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3])
  for (let at = 100; at < 295; at++) builds.save(build(at, `b${at}`))
  expect(builds.of('a').map((each) => each.startedAt)).toEqual([12, 11, 10, 9, 8])
})
