import { execFileSync } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isRoot, temporaryFolder } from './child.suite.ts'
import { makeNode, unpackDevice } from './index.ts'

describe('makeNode', () => {
  test('makes a FIFO, whose mode the umask narrows', () => {
    const file = `${temporaryFolder()}/pipe`
    makeNode(file, 'fifo', 0o640)
    const stat = lstatSync(file)
    expect(stat.isFIFO()).toBe(true)
    expect(stat.mode & 0o777).toBe(0o640 & ~process.umask())
  })

  test('does not touch what is there', () => {
    const file = `${temporaryFolder()}/pipe`
    makeNode(file, 'fifo', 0o600)
    expect(() => makeNode(file, 'fifo', 0o644)).toThrow(/EEXIST: mknod '.*pipe'/)
    expect(lstatSync(file).mode & 0o777).toBe(0o600)
  })

  test('takes a path that is not UTF-8', () => {
    const file = Buffer.concat([Buffer.from(`${temporaryFolder()}/`), Buffer.from([0xfe])])
    makeNode(file, 'fifo', 0o600)
    expect(lstatSync(file).isFIFO()).toBe(true)
  })

  test.skipIf(isRoot)('devices are for root', () => {
    expect(() => makeNode(`${temporaryFolder()}/null`, 'char', 0o666, { major: 1, minor: 3 })).toThrow(/EPERM/)
  })

  test.skipIf(!isRoot).each([
    { major: 0, minor: 0 },
    { major: 1, minor: 3 },
    { major: 7, minor: 255 },
    { major: 8, minor: 256 },
    { major: 259, minor: 70_000 },
    { major: 4095, minor: 1_048_575 },
  ])('device $major:$minor is what stat(1) sees, too', (device) => {
    for (const kind of ['char', 'block'] as const) {
      const file = `${temporaryFolder()}/node`
      makeNode(file, kind, 0o600, device)
      const stat = lstatSync(file)
      expect([stat.isCharacterDevice(), stat.isBlockDevice()]).toEqual([kind === 'char', kind === 'block'])
      expect(unpackDevice(stat.rdev)).toEqual(device)
      expect(unpackDevice(lstatSync(file, { bigint: true }).rdev)).toEqual(device)
      const [major, minor] = execFileSync('stat', ['-c', '%t %T', file], { encoding: 'utf8' }).trim().split(' ')
      expect([Number.parseInt(major!, 16), Number.parseInt(minor!, 16)]).toEqual([device.major, device.minor])
    }
  })

  test.skipIf(!isRoot)('a character device 0:0 is overlayfs for "deleted"', () => {
    const file = `${temporaryFolder()}/whiteout`
    makeNode(file, 'char', 0)
    expect(unpackDevice(lstatSync(file).rdev)).toEqual({ major: 0, minor: 0 })
  })
})
