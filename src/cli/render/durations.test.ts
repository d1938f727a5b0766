import { expect, test } from 'vitest'
import { goDuration, humanAge, humanDuration, parseDuration } from './durations.ts'
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

test.each([
  [0, '0s'],
  [1, '1ns'],
  [1_500, '1.5µs'],
  [250e6, '250ms'],
  [1.5e9, '1.5s'],
  [90e9, '1m30s'],
  [5400e9, '1h30m0s'],
  [-1e9, '-1s'],
])('%d ns is %j in Go', (nanoseconds, text) => {
  expect(goDuration(nanoseconds)).toBe(text)
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
