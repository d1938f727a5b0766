import { mkdirSync, rmdirSync } from 'node:fs'
import os from 'node:os'
import { describe, expect, test } from 'vitest'
import { errnoOf } from '../core/index.ts'
import { temporaryFolder } from './child.suite.ts'
import { call, cPath, systemError } from './syscalls.ts'

const RMDIR = 'int rmdir(const uint8_t *path)'

function thrownBy(work: () => unknown): NodeJS.ErrnoException {
  try {
    work()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('it did not fail')
}

describe('call', () => {
  test('calls the C library and answers with what it returns', () => {
    const folder = `${temporaryFolder()}/below`
    mkdirSync(folder)
    expect(call(RMDIR, [cPath(folder)], folder)).toBe(0)
    expect(call('int getpid()', [])).toBe(process.pid)
  })

  test('returns what does not fit into 32 bits', () => {
    const all = call('int64_t lseek(int fd, int64_t offset, int whence)', [openSparse(), 0n, 2])
    expect(all).toBe(5 * 2 ** 32)
  })

  test.each([
    ['there is none', (folder: string) => `${folder}/none`],
    ['it is in use', (folder: string) => folder],
    ['it is a file', () => '/proc/self/stat'],
  ])('throws the error that Node itself throws: %s', (_why, pathIn) => {
    const folder = temporaryFolder()
    mkdirSync(`${folder}/below`)
    const target = pathIn(folder)
    const [own, nodes] = [thrownBy(() => call(RMDIR, [cPath(target)], target)), thrownBy(() => rmdirSync(target))]
    expect(own).toMatchObject({ code: nodes.code, errno: nodes.errno, syscall: nodes.syscall, path: nodes.path })
    expect(errnoOf(own)).toBe(nodes.code)
    expect(own.message).toBe(`${nodes.code}: rmdir '${target}'`)
  })

  test('names the function, or what it was told when that is `syscall`', () => {
    expect(thrownBy(() => call('int close(int fd)', [-1]))).toMatchObject({ code: 'EBADF', syscall: 'close' })
    const raw = thrownBy(() => call('long syscall(long n, long fd)', [3, -1], undefined, 'close_by_number'))
    expect(raw).toMatchObject({ code: 'EBADF', syscall: 'close_by_number' })
    expect(raw).not.toHaveProperty('path')
  })

  function openSparse(): number {
    const file = cPath(`${temporaryFolder()}/sparse`)
    const fd = call('int open(const uint8_t *path, int flags, uint32_t mode)', [file, 0o102, 0o600])
    call('int ftruncate(int fd, int64_t length)', [fd, BigInt(5 * 2 ** 32)])
    return fd
  }
})

describe('cPath', () => {
  test('ends with a NUL and keeps bytes that are not UTF-8', () => {
    expect(cPath('/a')).toEqual(Buffer.from('/a\0'))
    expect(cPath('/ä')).toEqual(Buffer.from([0x2f, 0xc3, 0xa4, 0]))
    expect(cPath(Buffer.from([0x2f, 0xff]))).toEqual(Buffer.from([0x2f, 0xff, 0]))
  })

  test('refuses a NUL, which would cut the path', () => {
    expect(thrownBy(() => cPath('/etc/passwd\0.png'))).toMatchObject({ code: 'EINVAL' })
    expect(thrownBy(() => cPath(Buffer.from([0])))).toMatchObject({ code: 'EINVAL' })
  })
})

describe('systemError', () => {
  test('knows every errno of this system, and shows the number of others', () => {
    for (const [name, number] of Object.entries(os.constants.errno)) {
      const { code, errno } = systemError(number, 'x')
      expect(os.constants.errno[code as keyof typeof os.constants.errno], name).toBe(number)
      expect(errno).toBe(-number)
    }
    expect(systemError(4095, 'x')).toMatchObject({ code: 'E4095' })
  })
})
