import { expect, test } from 'vitest'
import { fail, messageOf } from '../../core/index.ts'
import { inPlainWords } from './plain-words.ts'

const atTarget = (cause: Error): Error =>
  fail('REGISTRY_DENIED', `cannot write layer x at the target: ${cause.message}`, { data: { side: 'target' }, cause })

test('a refusal does not speak of layers', () => {
  const denied = fail('REGISTRY_DENIED', 'push access denied', { hint: 'log in' })
  expect(inPlainWords(atTarget(denied))).toBe(denied)
  expect(inPlainWords(denied)).toBe(denied)
})

test('where nobody answers, the request is what failed', () => {
  const data = { reason: 'ECONNREFUSED' }
  const silent = fail('REGISTRY_UNAVAILABLE', 'Head "https://h/": refused', { data, hint: 'start it' })
  for (const error of [silent, atTarget(silent)]) {
    expect(inPlainWords(error)).toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: 'failed to do request: Head "https://h/": refused',
      hint: 'start it',
      data,
    })
  }
})

test('all else stays as it is', () => {
  const busy = fail('REGISTRY_UNAVAILABLE', 'received unexpected HTTP status: 503', { data: { status: 503 } })
  const full = fail('DISK_FULL', 'no space left on device')
  for (const error of [busy, atTarget(busy), full, new Error('x'), 'x']) {
    expect(messageOf(inPlainWords(error))).toBe(messageOf(error))
  }
})
