import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { inChild, isRoot, temporaryFolder } from './child.suite.ts'
import { findProgram, getXattr, listXattrs, setXattr } from './index.ts'

let file: string

beforeEach(() => {
  file = `${temporaryFolder()}/file`
  writeFileSync(file, '')
})

describe('extended attributes', () => {
  test('are set, read and listed', () => {
    setXattr(file, 'user.one', Buffer.from('first'))
    setXattr(file, 'user.two', Buffer.from([0, 1, 255]))
    setXattr(file, 'user.empty', Buffer.alloc(0))
    expect(getXattr(file, 'user.two')).toEqual(Buffer.from([0, 1, 255]))
    expect(getXattr(file, 'user.empty')).toEqual(Buffer.alloc(0))
    expect([...listXattrs(file)!].sort()).toEqual([
      ['user.empty', Buffer.alloc(0)],
      ['user.one', Buffer.from('first')],
      ['user.two', Buffer.from([0, 1, 255])],
    ])
  })

  test('take the place of older ones', () => {
    setXattr(file, 'user.x', Buffer.from('longer than the next'))
    setXattr(file, 'user.x', Buffer.from('short'))
    expect(getXattr(file, 'user.x')?.toString()).toBe('short')
  })

  test('a value that was read is not changed by the next reading', () => {
    setXattr(file, 'user.a', Buffer.from('aaaa'))
    setXattr(file, 'user.b', Buffer.from('bbbb'))
    const a = getXattr(file, 'user.a')
    getXattr(file, 'user.b')
    expect(a?.toString()).toBe('aaaa')
  })

  test('keep any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), (value) => {
        setXattr(file, 'user.any', value)
        expect(getXattr(file, 'user.any')).toEqual(Buffer.from(value))
      }),
      { numRuns: 50 },
    )
  })

  test('names are bytes', () => {
    const name = Buffer.from('user.ä').toString('latin1')
    setXattr(file, name, Buffer.from('x'))
    expect([...listXattrs(file)!.keys()]).toEqual([name])
    expect(getXattr(file, name)?.toString()).toBe('x')
  })

  test('where there are none', () => {
    expect(listXattrs(file)).toBeUndefined()
    expect(getXattr(file, 'user.x')).toBeUndefined()
    expect(getXattr('/proc/self/stat', 'user.x')).toBeUndefined()
    expect(listXattrs('/proc/self/stat')).toBeUndefined()
  })

  test('of directories, and by a path of bytes', () => {
    const folder = Buffer.concat([Buffer.from(`${temporaryFolder()}/`), Buffer.from([0xff])])
    mkdirSync(folder)
    setXattr(folder, 'user.d', Buffer.from('dir'))
    expect(getXattr(folder, 'user.d')?.toString()).toBe('dir')
  })

  test('of a symlink are not those of its target', () => {
    setXattr(file, 'user.x', Buffer.from('x'))
    symlinkSync(file, `${file}.link`)
    expect(getXattr(`${file}.link`, 'user.x')).toBeUndefined()
    expect(listXattrs(`${file}.link`)).toBeUndefined()
    // the kernel allows user attributes on files and directories only
    expect(() => setXattr(`${file}.link`, 'user.x', Buffer.from('y'))).toThrow(/EPERM: lsetxattr/)
    expect(getXattr(file, 'user.x')?.toString()).toBe('x')
  })

  test('errors say what is wrong', () => {
    expect(() => getXattr(`${file}.none`, 'user.x')).toThrow(/ENOENT: lgetxattr/)
    expect(() => listXattrs(`${file}.none`)).toThrow(/ENOENT: llistxattr/)
    expect(() => setXattr(file, 'nonsense', Buffer.alloc(0))).toThrow(/ENOTSUP|EOPNOTSUPP/)
    expect(() => setXattr(file, 'user.x', Buffer.alloc(70_000))).toThrow(/E2BIG|ENOSPC/)
    expect(() => setXattr(file, 'user.a\0b', Buffer.alloc(0))).toThrow(/EINVAL/)
  })

  test.skipIf(!isRoot)('trusted ones are for root', async () => {
    setXattr(file, 'trusted.overlay.opaque', Buffer.from('y'))
    expect([...listXattrs(file)!]).toEqual([['trusted.overlay.opaque', Buffer.from('y')]])
    chownSync(file, 65534, 65534)
    chmodSync(path.dirname(file), 0o755)
    const message = await inChild(({ host }, target) => {
      process.setuid!(65534)
      try {
        host.setXattr(target, 'trusted.overlay.opaque', Buffer.from('n'))
      } catch (error) {
        return (error as Error).message
      }
      return 'it was allowed'
    }, file)
    expect(message).toMatch(/EPERM: lsetxattr/)
  })

  test.skipIf(!isRoot || !findProgram('setcap'))('capabilities that setcap wrote', () => {
    execFileSync('setcap', ['cap_net_raw+ep', file])
    expect(getXattr(file, 'security.capability')?.length).toBeGreaterThanOrEqual(20)
  })
})
