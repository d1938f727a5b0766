import { expect, test } from 'vitest'
import { Throttle } from './throttle.ts'

function fixture(): {
  throttle: Throttle
  pass: (ms: number) => void
  guess: (times: number, from?: string, user?: string) => void
} {
  let now = 1_000_000
  const throttle = new Throttle({ now: () => now })
  return {
    throttle,
    pass: (ms) => {
      now += ms
    },
    guess: (times, from = '192.0.2.1', user = 'alice') => {
      for (let at = 0; at < times; at++) {
        throttle.tried(user)
        throttle.failed(from)
      }
    },
  }
}

test('some mistakes are free, then each doubles the wait', () => {
  const { throttle, guess, pass } = fixture()
  guess(5)
  expect(throttle.wait('192.0.2.1', 'alice')).toBe(0)
  guess(1)
  expect(throttle.wait('192.0.2.1', 'alice')).toBe(1)
  guess(2)
  expect(throttle.wait('198.51.100.7', 'alice')).toBe(4)
  expect(throttle.wait('192.0.2.1', 'bob')).toBe(0)
  pass(3000)
  expect(throttle.wait('192.0.2.1', 'alice')).toBe(1)
  pass(1000)
  expect(throttle.wait('192.0.2.1', 'alice')).toBe(0)
})

test('waits have an end, and time heals', () => {
  const { throttle, guess, pass } = fixture()
  guess(200)
  expect(throttle.wait('198.51.100.7', 'alice')).toBe(60)
  expect(throttle.wait('192.0.2.1', 'other')).toBe(900)
  pass(31 * 60_000)
  expect(throttle.wait('192.0.2.1', 'alice')).toBe(0)
  guess(5)
  expect(throttle.wait('192.0.2.1', 'alice')).toBe(0)
})

test('a right password frees its user, and not the address', () => {
  const { throttle, guess } = fixture()
  guess(30)
  throttle.succeeded('203.0.113.5', 'alice')
  expect(throttle.wait('198.51.100.7', 'alice')).toBe(0)
  expect(throttle.wait('192.0.2.1', 'mallory')).toBeGreaterThan(0)
})

test('many users from one address, many addresses for one user', () => {
  const { throttle, guess } = fixture()
  for (let at = 0; at < 21; at++) guess(1, '192.0.2.1', `user${at}`)
  expect(throttle.wait('192.0.2.1', 'somebody')).toBe(1)
  for (let at = 0; at < 6; at++) guess(1, `198.51.100.${at}`, 'bob')
  expect(throttle.wait('203.0.113.1', 'bob')).toBe(1)
})

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:aaaa:bbbb:cccc:dddd', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['::1', '::2', true],
  ['fe80::1%eth0', 'fe80::2', true],
])('%s and %s are of one network: %s', (first, second, isSame) => {
  const { throttle, guess } = fixture()
  for (let at = 0; at < 25; at++) guess(1, first, `user${at}`)
  expect(throttle.wait(second, 'other') > 0).toBe(isSame)
})

test('what is remembered has a limit', () => {
  const { throttle, guess } = fixture()
  guess(7, '192.0.2.9', 'first')
  for (let at = 0; at < 25_000; at++) guess(1, '192.0.2.1', `user${at}`)
  expect(throttle.wait('203.0.113.1', 'first')).toBe(0)
  expect(throttle.wait('192.0.2.1', 'other')).toBe(900)
})

test('where a user logged in from lately, guesses of others do not hinder', () => {
  const { throttle, guess, pass } = fixture()
  throttle.succeeded('203.0.113.5', 'alice')
  guess(30, '192.0.2.1', 'alice')
  expect(throttle.wait('203.0.113.5', 'alice')).toBe(0)
  expect(throttle.wait('203.0.113.6', 'alice')).toBe(60)
  for (let at = 0; at < 30; at++) throttle.failed('203.0.113.5')
  expect(throttle.wait('203.0.113.5', 'alice')).toBeGreaterThan(0)
  pass(25 * 3600_000)
  guess(30, '192.0.2.1', 'alice')
  expect(throttle.wait('203.0.113.5', 'alice')).toBe(60)
})
