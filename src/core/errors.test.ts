import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errnoOf, fail, hasCode, messageOf, SlipwayError, withSpan } from './errors.ts'

const span = { source: { name: 'Dockerfile', text: 'FROM x\n' }, line: 1, column: 1, endLine: 1, endColumn: 5 }

test('an error has the fault of its code, and what was said about it', () => {
  const cause = new Error('below')
  const error = fail('IMAGE_NOT_FOUND', 'No such image: x', { hint: 'pull it', data: { name: 'x' }, cause })
  expect(error).toBeInstanceOf(SlipwayError)
  expect(error).toMatchObject({ fault: 'not-found', hint: 'pull it', data: { name: 'x' }, cause, name: 'SlipwayError' })
  expect(fail('CANCELED', 'canceled')).not.toHaveProperty('cause')
})

test('is told by its codes', () => {
  expect(hasCode(fail('CANCELED', ''), 'DISK_FULL', 'CANCELED')).toBe(true)
  expect(hasCode(fail('CANCELED', ''), 'DISK_FULL')).toBe(false)
  expect(hasCode({ code: 'CANCELED' }, 'CANCELED')).toBe(false)
})

test('gets a place once, and keeps all else', () => {
  const error = fail('USAGE_INVALID', 'm', { hint: 'h', data: { a: 1 } })
  const placed = withSpan(error, span)
  expect(placed).toMatchObject({ message: 'm', hint: 'h', data: { a: 1 }, span })
  expect(withSpan(placed, { ...span, line: 7 })).toBe(placed)
  expect(withSpan(error, undefined)).toBe(error)
  const foreign = new TypeError('not ours')
  expect(withSpan(foreign, span)).toBe(foreign)
})

test('the system’s name of an error', () => {
  let thrown: unknown
  try {
    readFileSync('/nowhere/at/all')
  } catch (error) {
    thrown = error
  }
  expect(errnoOf(thrown)).toBe('ENOENT')
  expect(errnoOf(new Error('x'))).toBeUndefined()
  expect(errnoOf('ENOENT')).toBeUndefined()
  expect([messageOf(new Error('x')), messageOf('text'), messageOf(undefined)]).toEqual(['x', 'text', 'undefined'])
})
