import { expect, test } from 'vitest'
import { humanAge, humanDuration } from './durations.ts'
import { goTime, goTimeOfText, stampOf } from './times.ts'

const second = 1000
const hour = 3600 * second
const day = 24 * hour

test.each([
  [0, 'Less than a second'],
  [999, 'Less than a second'],
  [1999, '1 second'],
  [59 * second, '59 seconds'],
  [60 * second, 'About a minute'],
  [119 * second, 'About a minute'],
  [59.9 * 60 * second, '59 minutes'],
  [hour, 'About an hour'],
  [1.49 * hour, 'About an hour'],
  [1.5 * hour, '2 hours'],
  [47 * hour, '47 hours'],
  [48 * hour, '2 days'],
  [13 * day, '13 days'],
  [14 * day, '2 weeks'],
  [59 * day, '8 weeks'],
  [60 * day, '2 months'],
  [729 * day, '24 months'],
  [730 * day, '2 years'],
])('%d ms is %j', (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text)
})

test('an age says so', () => {
  expect(humanAge(new Date(0), new Date(14 * day))).toBe('2 weeks ago')
})

test('times look like Go prints them', () => {
  const time = new Date(2026, 10, 21, 9, 5, 7, 45)
  expect(goTime(time)).toMatch(/^2026-11-21 09:05:07 [+-]\d{4} \S+$/)
  expect(stampOf(time, 678)).toMatch(/^2026-11-21T09:05:07\.045000678(Z|[+-]\d\d:\d\d)$/)
})

test.each([
  ['2026-11-21T13:54:22.557575347Z', '2026-11-21 13:54:22.557575347 +0000 UTC'],
  ['2026-11-21T13:54:22.500+01:00', '2026-11-21 13:54:22.5 +0100 +0100'],
  ['2026-11-21T13:54:20Z', '2026-11-21 13:54:20 +0000 UTC'],
  ['', '0001-01-01 00:00:00 +0000 UTC'],
  ['soon', 'soon'],
])('the time %j is %j in Go', (text, shown) => {
  expect(goTimeOfText(text)).toBe(shown)
})
