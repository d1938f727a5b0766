import { describe, expect, test } from 'vitest'
import { resolveOwner, resolveUser } from './user.ts'

const files = {
  passwd: Buffer.from(
    'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/:/bin/false\n# note\nbroken\n1000:x:7:8::/:\nsame:x:500:501::/:\n',
  ),
  group: Buffer.from('root:x:0:\nwww:x:34:\nvideo:x:44:web,other\naudio:x:29:other, web\nstaff:x:50:\n'),
}

describe('USER', () => {
  test.each([
    ['', { uid: 0, gid: 0, additionalGids: [] }],
    ['root', { uid: 0, gid: 0, additionalGids: [] }],
    ['web', { uid: 33, gid: 34, additionalGids: [44, 29] }],
    ['33', { uid: 33, gid: 34, additionalGids: [44, 29] }],
    ['web:staff', { uid: 33, gid: 50, additionalGids: [] }],
    ['web:12', { uid: 33, gid: 12, additionalGids: [] }],
    ['12:34', { uid: 12, gid: 34, additionalGids: [] }],
    ['4711', { uid: 4711, gid: 0, additionalGids: [] }],
    ['1000', { uid: 7, gid: 8, additionalGids: [] }],
    [':staff', { uid: 0, gid: 50, additionalGids: [] }],
  ])('%j', (spec, expected) => {
    expect(resolveUser(spec, files)).toMatchObject(expected)
  })

  test.each([
    ['nobody', /unable to find user nobody: no matching entries in passwd file/],
    ['web:nogroup', /unable to find group nogroup: no matching entries in group file/],
    ['4294967296', /range 0-2147483647/],
    ['0:99999999999', /range 0-2147483647/],
    ['-1', /unable to find user -1/],
    ['a:b:c', /invalid user "a:b:c"/],
  ])('%s is refused', (spec, message) => {
    expect(() => resolveUser(spec, files)).toThrow(message)
  })

  test('an image without account files knows numbers only', () => {
    expect(resolveUser('5:6', {})).toEqual({ uid: 5, gid: 6, additionalGids: [] })
    expect(() => resolveUser('root', {})).toThrow(/unable to find user root/)
  })

  test('100,000 lines are no trouble', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `u${i}:x:${i}:${i}::/:`).join('\n')
    expect(resolveUser('u99999', { passwd: Buffer.from(lines) })).toMatchObject({ uid: 99999, gid: 99999 })
  })
})

describe('--chown', () => {
  test.each([
    ['web', 33, 34],
    ['500', 500, 500],
    ['4711', 4711, 4711],
    ['4711:9', 4711, 9],
    ['web:staff', 33, 50],
  ])('%s', (spec, uid, gid) => {
    expect(resolveOwner(spec, files)).toEqual({ uid, gid })
  })
})
