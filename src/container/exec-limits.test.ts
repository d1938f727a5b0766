import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { checkArguments } from './exec-limits.ts'

const usual = { args: ['/bin/true'], env: ['PATH=/bin'], cwd: '/', hostname: 'box' }
const check = (changes: Partial<typeof usual>) => () => checkArguments({ ...usual, ...changes })

describe('a process cannot be started with', () => {
  test.each([
    [
      'a NUL in an argument',
      { args: ['/bin/echo', 'a\0b'] },
      /invalid argument: a NUL byte in the argument "a\\u0000b"/,
    ],
    ['a NUL in a variable', { env: ['A=b\0c'] }, /a NUL byte in the environment variable/],
    ['a NUL in the directory', { cwd: '/\0' }, /a NUL byte in the working directory/],
    ['a NUL in the hostname', { hostname: '\0' }, /a NUL byte in the hostname/],
    [
      'a string that is too long',
      { args: ['x'.repeat(131_072)] },
      /argument list too long: the argument "x{60}…" has 131072 bytes/,
    ],
    ['bytes, not characters, too many', { env: [`A=${'é'.repeat(65_536)}`] }, /has 131074 bytes/],
    [
      'a list that is too long',
      { env: Array.from({ length: 500 }, (_, i) => `V${i}=${'y'.repeat(15_000)}`) },
      /arguments and environment have \d+ bytes/,
    ],
  ])('%s', (_what, changes, message) => {
    expect(check(changes)).toThrow(message)
    expect(check(changes)).toThrow(expect.objectContaining({ code: 'RUNTIME_FAILED', data: { exitCode: 126 } }))
  })
})

test('what the kernel still takes is allowed', () => {
  const longest = 'z'.repeat(131_071)
  expect(check({ args: ['/bin/true', longest] })).not.toThrow()
  expect(spawnSync('/bin/true', [longest]).status).toBe(0)
  expect(spawnSync('/bin/true', [`${longest}z`]).error).toMatchObject({ code: 'E2BIG' })
  expect(check({ env: ['A=1\nB=2', 'NOEQ', 'E='] })).not.toThrow()
})
