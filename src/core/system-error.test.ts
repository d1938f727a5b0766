import { openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fail } from './errors.ts'
import { withDiskCode } from './system-error.ts'

function systemError(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: what happened, write`), { code, errno: -28, syscall: 'write', path })
}

test.each(['ENOSPC', 'EDQUOT'])('%s is a full disk, however deep it lies', (code) => {
  const cause = systemError(code, '/var/lib/x')
  expect(withDiskCode(cause)).toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining('/var/lib/x'),
    cause,
  })
  const wrapped = fail('COPY_FAILED', `cannot write: ${code}`, { cause: fail('INTERNAL', 'x', { cause }) })
  expect(withDiskCode(wrapped)).toMatchObject({ code: 'DISK_FULL', message: `cannot write: ${code} (/var/lib/x)` })
})

test.each(['EIO', 'EROFS'])('%s is a broken disk', (code) => {
  expect(withDiskCode(systemError(code))).toMatchObject({
    code: 'DISK_FAILED',
    message: `${code}: what happened, write`,
  })
})

test('other errors stay what they are', () => {
  const known = withDiskCode(systemError('ENOSPC'))
  const missing = ((): unknown => {
    try {
      return openSync('/no/such/file', 'r')
    } catch (error) {
      return error
    }
  })()
  for (const error of [known, missing, fail('CANCELED', 'canceled'), 'text', undefined]) {
    expect(withDiskCode(error)).toBe(error)
  }
})
