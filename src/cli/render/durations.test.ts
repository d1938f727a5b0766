import { expect, test } from 'vitest'
import { humanAge, humanDuration, parseDuration } from './durations.ts'
import { goTime, stampOf } from './times.ts'

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

test.each([
  ['1h30m', 1.5 * hour],
  ['1.5s', 1500],
  ['100ms', 100],
  ['0', 0],
  ['-2m', -120 * second],
  ['1us', 0.001],
])('%j is %d ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBeCloseTo(milliseconds, 9)
})

test.each([
  ['', 'time: invalid duration ""'],
  ['x', 'time: invalid duration "x"'],
  ['5', 'time: missing unit in duration "5"'],
  ['1d', 'time: unknown unit "d" in duration "1d"'],
  ['1h5', 'time: missing unit in duration "1h5"'],
])('%j is refused', (text, message) => {
  expect(() => parseDuration(text)).toThrow(message)
})

test('times look like Go prints them', () => {
  const time = new Date(2026, 10, 21, 9, 5, 7, 45)
  expect(goTime(time)).toMatch(/^2026-11-21 09:05:07 [+-]\d{4} \S+$/)
  expect(stampOf(time, 678)).toMatch(/^2026-11-21T09:05:07\.045000678(Z|[+-]\d\d:\d\d)$/)
})
