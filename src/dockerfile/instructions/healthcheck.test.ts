import { expect, test } from 'vitest'
import { parse } from '../parse.ts'
import { parseHealthcheck } from './healthcheck.ts'

const check = (text: string) =>
  parseHealthcheck(parse({ name: 'Dockerfile', text: `HEALTHCHECK ${text}` }).nodes[0]!).check

test.each([
  ['none', { Test: ['NONE'] }],
  ['--what NONE', { Test: ['NONE'] }],
  ['CMD  curl  -f x', { Test: ['CMD-SHELL', 'curl  -f x'] }],
  ['cmd ["a", "b c"]', { Test: ['CMD', 'a', 'b c'] }],
  [
    '--interval=1m30s --timeout=1.5s --start-period=2h --start-interval=1ms --retries=+3 CMD a',
    {
      Test: ['CMD-SHELL', 'a'],
      Interval: 90e9,
      Timeout: 1.5e9,
      StartPeriod: 7200e9,
      StartInterval: 1e6,
      Retries: 3,
    },
  ],
  ['--interval=0 --timeout= --retries=0 CMD a', { Test: ['CMD-SHELL', 'a'] }],
])('%s', (text, expected) => {
  expect(check(text)).toEqual(expected)
})

test.each([
  ['', 'HEALTHCHECK requires at least one argument'],
  ['NONE a', 'HEALTHCHECK NONE takes no arguments'],
  ['--foo=1 CMD', 'unknown flag: --foo'],
  ['FOO a', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
  ['CMD', 'Missing command after HEALTHCHECK CMD'],
  ['CMD []', 'Missing command after HEALTHCHECK CMD'],
  ['--interval=5 CMD a', 'time: missing unit in duration "5"'],
  ['--interval=5us CMD a', 'Interval "interval" cannot be less than 1ms'],
  ['--start-interval=-1s CMD a', 'Interval "start-interval" cannot be less than 1ms'],
  ['--retries=-1 CMD a', '--retries cannot be negative (-1)'],
  ['--retries=1x CMD a', 'strconv.ParseInt: parsing "1x": invalid syntax'],
  ['--retries=2147483648 CMD a', 'strconv.ParseInt: parsing "2147483648": value out of range'],
])('%j is refused', (text, message) => {
  expect(() => check(text)).toThrow(expect.objectContaining({ message, span: expect.anything() }))
})
