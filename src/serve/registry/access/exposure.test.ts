import { describe, expect, test } from 'vitest'
import { checkExposure, isLoopback } from './exposure.ts'

const SAFE = { host: '0.0.0.0', isGuarded: true, hasTls: true, isMeant: false }

describe('an address that others reach', () => {
  test.each([
    [{ ...SAFE, isGuarded: false, hasTls: false }, /at 0\.0\.0\.0 without users and without TLS: everybody/],
    [{ ...SAFE, isGuarded: false }, /without users: everybody who reaches it could push and delete/],
    [{ ...SAFE, hasTls: false }, /without TLS: passwords and images would cross the network in the clear/],
    [{ ...SAFE, host: '', hasTls: false }, /at all addresses without TLS/],
  ])('is refused: %o', (exposure, message) => {
    expect(() => checkExposure(exposure)).toThrow(
      expect.objectContaining({ code: 'REGISTRY_EXPOSED', message: expect.stringMatching(message) }),
    )
  })

  test('is fine with users and TLS, or when it is meant', () => {
    checkExposure(SAFE)
    checkExposure({ ...SAFE, isGuarded: false, hasTls: false, isMeant: true })
  })
})

test('loopback needs nothing', () => {
  for (const host of ['127.0.0.1', 'localhost', '::1', '[::1]']) {
    checkExposure({ host, isGuarded: false, hasTls: false, isMeant: false })
  }
})

test.each(['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1', '[::1]'])('%s is loopback', (host) => {
  expect(isLoopback(host)).toBe(true)
})

test.each(['', '0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.example', '1.127.0.0', '::ffff:10.0.0.1'])(
  '%j is not',
  (host) => expect(isLoopback(host)).toBe(false),
)
