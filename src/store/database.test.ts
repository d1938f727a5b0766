import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, test } from 'vitest'
import { inChild, startChild, temporaryFolder, until } from '../host/child.suite.ts'
import { Database } from './database.ts'
import { SCHEMA_VERSION } from './schema.ts'

let file: string

beforeEach(() => {
  file = path.join(temporaryFolder(), 'slipway.db')
})

const memo = (db: Database, key: string): string | undefined => {
  const row = db.get<{ value: Uint8Array }>('SELECT value FROM memos WHERE key = ?', key)
  return row && Buffer.from(row.value).toString()
}
const setMemo = (db: Database, key: string, value: string): number =>
  db.run('INSERT OR REPLACE INTO memos VALUES (?, ?, ?, ?)', 'test', key, Buffer.from(value), 0)
const synchronous = (db: Database): unknown => db.get<{ synchronous: number }>('PRAGMA synchronous')!.synchronous

describe('the database', () => {
  test('reads and writes rows', () => {
    using db = new Database(file)
    expect(setMemo(db, 'a', 'one')).toBe(1)
    expect(memo(db, 'a')).toBe('one')
    expect(memo(db, 'b')).toBeUndefined()
    setMemo(db, 'b', 'two')
    expect(db.all<{ key: string }>('SELECT key FROM memos ORDER BY key').map((row) => row.key)).toEqual(['a', 'b'])
    expect(db.run('DELETE FROM memos')).toBe(2)
  })

  test('keeps what was written, for the next to open it', () => {
    {
      using db = new Database(file)
      setMemo(db, 'a', 'one')
    }
    using db = new Database(file)
    expect(memo(db, 'a')).toBe('one')
  })

  test('is closed once, however often it is asked to', () => {
    const db = new Database(file)
    db.close()
    db.close()
    expect(() => memo(db, 'a')).toThrow()
  })

  test('holds to its foreign keys', () => {
    using db = new Database(file)
    expect(() => db.run('INSERT INTO names VALUES (?, ?, ?)', 'x', 'sha256:none', 0)).toThrow(/FOREIGN KEY/)
  })
})

describe('a transaction', () => {
  test('is all or nothing', () => {
    using db = new Database(file)
    setMemo(db, 'a', 'before')
    const failing = (): void =>
      db.transaction(() => {
        setMemo(db, 'a', 'within')
        setMemo(db, 'b', 'within')
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    expect([memo(db, 'a'), memo(db, 'b')]).toEqual(['before', undefined])
    expect(db.transaction(() => setMemo(db, 'a', 'after'))).toBe(1)
    expect(memo(db, 'a')).toBe('after')
  })

  test('takes nested ones with it', () => {
    using db = new Database(file)
    const failing = (): void =>
      db.transaction(() => {
        db.transaction(() => setMemo(db, 'inner', 'x'))
        db.durably(() => setMemo(db, 'durable', 'x'))
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    expect([memo(db, 'inner'), memo(db, 'durable')]).toEqual([undefined, undefined])
  })

  test('is synced to the disk where that was asked for, and only there', () => {
    using db = new Database(file)
    const NORMAL = 1
    const FULL = 2
    expect(synchronous(db)).toBe(NORMAL)
    expect(db.transaction(() => synchronous(db))).toBe(NORMAL)
    expect(db.durably(() => synchronous(db))).toBe(FULL)
    expect(() =>
      db.durably(() => {
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(synchronous(db)).toBe(NORMAL)
  })
})

describe('several processes', () => {
  test('count without losing anything', async () => {
    const count = (args: { file: string; rounds: number }) =>
      inChild(async ({ load }, { file: name, rounds }) => {
        const { Database: Db } = await load<typeof import('./database.ts')>('store/database.ts')
        const db = new Db(name)
        const value = (): number => {
          const row = db.get<{ value: Uint8Array }>("SELECT value FROM memos WHERE key = 'n'")
          return row ? Number(Buffer.from(row.value).toString()) : 0
        }
        for (let i = 0; i < rounds; i++) {
          db.transaction(() => {
            const next = Buffer.from(String(value() + 1))
            db.run('INSERT OR REPLACE INTO memos VALUES (?, ?, ?, ?)', 'test', 'n', next, 0)
          })
        }
        db.close()
        return true
      }, args)
    // nobody has made the tables before: they race for that, too
    await Promise.all(Array.from({ length: 4 }, () => count({ file, rounds: 100 })))
    using db = new Database(file)
    expect(memo(db, 'n')).toBe('400')
  })

  test('a reader is not held up by a writer, a writer waits', async () => {
    using db = new Database(file)
    setMemo(db, 'a', 'before')
    const child = startChild(async ({ load, tell, hear }, name) => {
      const { Database: Db } = await load<typeof import('./database.ts')>('store/database.ts')
      const other = new Db(name)
      await new Promise<void>((resolve) => {
        other.run('BEGIN IMMEDIATE')
        other.run("UPDATE memos SET value = CAST('within' AS BLOB)")
        tell('in the middle')
        void hear().then(() => {
          other.run('COMMIT')
          resolve()
        })
      })
    }, file)
    expect(await child.next()).toBe('in the middle')
    expect(memo(db, 'a')).toBe('before')
    child.say('go on')
    setMemo(db, 'b', 'after')
    await until(() => memo(db, 'a') === 'within', 'the other has finished')
    expect(memo(db, 'b')).toBe('after')
  })

  test('one that is killed in the middle leaves nothing and holds nobody up', async () => {
    using db = new Database(file)
    setMemo(db, 'a', 'before')
    const child = startChild(async ({ load, tell, linger }, name) => {
      const { Database: Db } = await load<typeof import('./database.ts')>('store/database.ts')
      const other = new Db(name)
      other.run('BEGIN IMMEDIATE')
      other.run("UPDATE memos SET value = CAST('within' AS BLOB)")
      tell('in the middle')
      return linger()
    }, file)
    await child.next()
    child.kill('SIGKILL')
    await child.ended
    expect(memo(db, 'a')).toBe('before')
    expect(setMemo(db, 'a', 'after')).toBe(1)
  })
})

describe('other files', () => {
  test('of a newer version are left alone', () => {
    new Database(file).close()
    const raw = new DatabaseSync(file)
    raw.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
    raw.close()
    expect(() => new Database(file)).toThrow(
      expect.objectContaining({
        code: 'STORE_TOO_NEW',
        message: expect.stringContaining(`schema ${SCHEMA_VERSION + 1}, this one knows ${SCHEMA_VERSION}`),
        hint: expect.stringContaining('SLIPWAY_ROOT'),
      }),
    )
    const after = new DatabaseSync(file)
    expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: SCHEMA_VERSION + 1 })
    after.close()
  })

  test('that are no database are refused, and not touched', () => {
    const text = 'this is not a database, but long enough to look like something'.repeat(20)
    writeFileSync(file, text)
    expect(() => new Database(file)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }))
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('a folder, or a file in a folder that is not there', () => {
    mkdirSync(file)
    expect(() => new Database(file)).toThrow(/the store's database .*slipway\.db: unable to open/)
    expect(() => new Database(path.join(file, 'none/x.db'))).toThrow(
      expect.objectContaining({ code: 'STORE_UNUSABLE' }),
    )
  })
})
