import { cpSync, existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { bytesOf, type Digest, digestOf } from '../../../core/index.ts'
import { temporaryFolder } from '../fixture.suite.ts'
import { RegistryDatabase } from './database.ts'
import { type FolderStorage, openFolder } from './folder.ts'
import { MIGRATIONS } from './schema.ts'

const open: FolderStorage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage[Symbol.asyncDispose]()
})

function storageIn(root: string): FolderStorage {
  const storage = openFolder(root)
  open.push(storage)
  return storage
}

async function push(storage: FolderStorage, repository: string, text: string): Promise<Digest> {
  const upload = storage.uploads.start(repository, {})
  using hold = upload.take()!
  await hold.append(bytesOf(Buffer.from(text)), 1000)
  await hold.commit(digestOf(text))
  return digestOf(text)
}

const LATER = 60_000

describe('dropping the file of a blob', () => {
  test('frees one that no repository holds', async () => {
    const storage = storageIn(temporaryFolder())
    const digest = await push(storage, 'a', 'content')
    const { path } = storage.repository('a').blob(digest)!
    expect(await storage.dropBlob(digest, Date.now() + LATER)).toBeUndefined()
    await storage.repository('a').deleteBlob(digest)
    expect(await storage.dropBlob(digest, Date.now() - LATER)).toBeUndefined()
    expect(existsSync(path)).toBe(true)
    expect(await storage.dropBlob(digest, Date.now() + LATER)).toBe(7)
    expect(existsSync(path)).toBe(false)
    expect(await storage.dropBlob(digest, Date.now() + LATER)).toBeUndefined()
  })

  test('never takes one that is pushed at the same time', async () => {
    const storage = storageIn(temporaryFolder())
    for (let round = 0; round < 30; round++) {
      const digest = await push(storage, 'a', 'again')
      await storage.repository('a').deleteBlob(digest)
      const [, , blob] = await Promise.all([
        storage.dropBlob(digest, Date.now() + LATER),
        push(storage, 'b', 'again'),
        push(storage, 'c', 'again').then(() => storage.repository('c').blob(digest)),
      ])
      expect(statSync(blob!.path).size).toBe(5)
      expect(storage.repository('b').blob(digest)).toBeDefined()
      await storage.repository('b').deleteBlob(digest)
      await storage.repository('c').deleteBlob(digest)
    }
  })

  test('a blob that is being dropped is not there', async () => {
    const storage = storageIn(temporaryFolder())
    const digest = await push(storage, 'a', 'content')
    await storage.repository('a').deleteBlob(digest)
    const dropping = storage.dropBlob(digest, Date.now() + LATER)
    expect(await storage.repository('b').mount(digest, 'a')).toBe(false)
    expect(storage.repositoriesWith(digest, 10)).toEqual([])
    expect(await dropping).toBe(7)
  })
})

describe('uploads', () => {
  test('that nobody goes on with are dropped, those in use are not', async () => {
    const root = temporaryFolder()
    const storage = storageIn(root)
    const [idle, busy] = [storage.uploads.start('a', {}), storage.uploads.start('a', {})]
    for (const upload of [idle, busy]) {
      using hold = upload.take()!
      await hold.append(bytesOf(Buffer.from('x')), 10)
    }
    using _hold = busy.take()
    expect(storage.uploads.expire(Date.now() + LATER)).toBe(1)
    expect(storage.uploads.find('a', idle.id)).toBeUndefined()
    expect(storage.uploads.find('a', busy.id)?.offset).toBe(1)
    await expect.poll(() => readdirSync(storage.layout.uploads)).toEqual([busy.id])
  })

  test('that a kill catches between their file and their rows are whole, and are closed again', async () => {
    const storage = storageIn(temporaryFolder())
    const copy = path.join(temporaryFolder(), 'copy')
    storage.listen({ before: () => cpSync(storage.layout.root, copy, { recursive: true }) })
    await push(storage, 'a', 'content')
    expect(storage.database.all('SELECT * FROM uploads')).toEqual([])

    const killed = storageIn(copy)
    const digest = digestOf('content')
    expect(existsSync(killed.layout.blob(digest))).toBe(true)
    const [id] = readdirSync(killed.layout.uploads)
    const upload = killed.uploads.find('a', id!)!
    expect(upload.offset).toBe(7)
    using hold = upload.take()!
    await hold.commit(digest)
    expect(killed.repository('a').blob(digest)).toMatchObject({ size: 7 })
    expect(killed.dropOrphan(digest)).toBe(false)
  })

  test('a refused commit leaves no file', async () => {
    const storage = storageIn(temporaryFolder())
    storage.listen({
      before: () => {
        throw new Error('no')
      },
    })
    await expect(push(storage, 'a', 'content')).rejects.toThrow('no')
    expect(existsSync(storage.layout.blob(digestOf('content')))).toBe(false)
    await expect.poll(() => readdirSync(storage.layout.uploads)).toEqual([])
  })
})

describe('the database', () => {
  test('counts what each repository uses', async () => {
    const storage = storageIn(temporaryFolder())
    const used = (): unknown => storage.database.get("SELECT used_bytes FROM repositories WHERE name = 'a'")
    const digest = await push(storage, 'a', 'content')
    await push(storage, 'a', 'content')
    await push(storage, 'a', 'more')
    expect(used()).toMatchObject({ used_bytes: 11 })
    await storage.repository('a').deleteBlob(digest)
    expect(used()).toMatchObject({ used_bytes: 4 })
  })

  test('of a newer program is not touched', () => {
    const file = `${temporaryFolder()}/registry.db`
    using db = new RegistryDatabase(file)
    db.run(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    expect(() => new RegistryDatabase(file)).toThrow(expect.objectContaining({ code: 'STORE_TOO_NEW' }))
  })

  test('a transaction that fails leaves nothing', () => {
    using db = new RegistryDatabase(`${temporaryFolder()}/registry.db`)
    const insert = (name: string): void =>
      void db.run("INSERT INTO robots VALUES (?, '', '', '', 0, NULL, NULL, NULL, 0)", name)
    expect(() =>
      db.transaction(() => {
        insert('a')
        db.transaction(() => insert('b'))
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(db.all('SELECT name FROM robots')).toEqual([])
  })

  test('many wait for the disk together', async () => {
    using db = new RegistryDatabase(`${temporaryFolder()}/registry.db`)
    await Promise.all(Array.from({ length: 50 }, () => db.durable()))
    await db.durable()
  })
})
