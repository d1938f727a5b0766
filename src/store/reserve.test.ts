import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isRoot, temporaryFolder } from '../host/child.suite.ts'
import { isDiskFull, Reserve } from '../host/index.ts'
import { Database } from './database.ts'

describe('a reserve', () => {
  test('is set aside once, and given back once', () => {
    const file = path.join(temporaryFolder(), 'reserve')
    const reserve = new Reserve(file)
    reserve.keep()
    const { size, ino } = statSync(file)
    expect(size).toBe(1 << 20)
    new Reserve(file).keep()
    expect(statSync(file).ino).toBe(ino)
    expect(reserve.giveUp()).toBe(true)
    expect(reserve.giveUp()).toBe(false)
  })

  test('is no worry where it cannot be', () => {
    const reserve = new Reserve('/proc/none/reserve')
    reserve.keep()
    expect(reserve.giveUp()).toBe(false)
    expect(isDiskFull('/proc/none/reserve')).toBe(false)
  })
})

describe.skipIf(!isRoot)('on a full disk (needs root)', () => {
  const smallDisk = (): string => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder])
    onTestFinished(() => {
      execFileSync('umount', ['--lazy', folder])
      rmdirSync(folder)
    })
    return folder
  }
  const fill = (folder: string): void => {
    expect(() => writeFileSync(path.join(folder, 'ballast'), Buffer.alloc(8 << 20))).toThrow(/ENOSPC/)
  }
  const insert = (db: Database, key: string): number =>
    db.transaction(() => db.run('INSERT INTO memos VALUES (?, ?, ?, ?)', 'test', key, Buffer.alloc(100_000), 0))

  test('nothing is set aside, and the disk is called full', () => {
    const folder = smallDisk()
    const file = path.join(folder, 'reserve')
    new Reserve(file).keep()
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined()
    expect(isDiskFull(file)).toBe(false)
    fill(folder)
    expect(isDiskFull(file)).toBe(true)
  })

  test('a transaction gets the space of the reserve, once', () => {
    const folder = smallDisk()
    const file = path.join(folder, 'reserve')
    writeFileSync(file, Buffer.alloc(1 << 20))
    using db = new Database(path.join(folder, 'slipway.db'), new Reserve(file))
    fill(folder)
    expect(insert(db, 'a')).toBe(1)
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined()
    fill(folder)
    const insertMany = (): void => {
      for (let at = 0; at < 20; at++) insert(db, `more ${at}`)
    }
    expect(insertMany).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    rmSync(path.join(folder, 'ballast'))
    expect(insert(db, 'b')).toBe(1)
  })

  test('without a reserve it fails and says so', () => {
    const folder = smallDisk()
    using db = new Database(path.join(folder, 'slipway.db'))
    fill(folder)
    expect(() => insert(db, 'a')).toThrow(
      expect.objectContaining({ code: 'DISK_FULL', message: expect.stringContaining('no space left on device') }),
    )
    expect(db.all('SELECT * FROM memos')).toEqual([])
  })
})
