import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, collectBytes } from '../core/index.ts'
import { temporaryFolder } from '../host/child.suite.ts'
import { addImage, type TestStore, tarOf } from '../store/fixture.suite.ts'
import { openTestEngine } from './fixture.suite.ts'
import type { Engine } from './index.ts'

let engine: Engine
let store: TestStore

beforeEach(() => {
  const both = openTestEngine()
  engine = both.engine
  store = both.store
})

const add = (content: string, ...names: string[]) =>
  addImage(store, [{ 'etc/': { directory: true }, 'etc/content': content }], {
    names: names.map((name) => `docker.io/library/${name}`),
    config: { Cmd: ['run'] },
  })

const save = (...names: string[]): Promise<Buffer> =>
  collectBytes(engine.images.save(names), 1 << 24, () => new Error('too long')) as Promise<Buffer>

describe('save and load', () => {
  test('an image comes back as it was, with its names', async () => {
    const { id } = await add('one', 'x:1', 'x:2')
    const archive = await save('x:1', 'x:2')
    const other = openTestEngine().engine
    const loaded = await other.images.load(bytesOf(archive))
    expect(loaded.map((image) => image.id)).toContain(id)
    expect(other.images.inspect('x:1')).toMatchObject({ Id: id, Config: { Cmd: ['run'] } })
    expect(other.images.inspect('x:2')['Id']).toBe(id)
    expect(other.images.history('x:1')).toEqual(engine.images.history('x:1'))
  })

  test('a repository means all of its tags', async () => {
    await add('one', 'x:1', 'x:2', 'y:1')
    const other = openTestEngine().engine
    await other.images.load(bytesOf(await save('x')))
    expect(
      other.images
        .list()
        .flatMap(({ tags }) => tags)
        .toSorted(),
    ).toEqual(['x:1', 'x:2'])
  })

  test('the same image gives the same bytes', async () => {
    await add('one', 'x:1')
    expect((await save('x:1')).equals(await save('x:1'))).toBe(true)
  })

  test('by id, it has no name afterwards', async () => {
    const { id } = await add('one', 'x:1')
    const other = openTestEngine().engine
    const [loaded] = await other.images.load(bytesOf(await save(id)))
    expect(loaded).toMatchObject({ id, names: [] })
  })

  test('a name moves to what is loaded, and who lost it is told', async () => {
    await add('new', 'x:1')
    const archive = await save('x:1')
    const other = openTestEngine()
    const old = await addImage(other.store, [{ a: 'a' }], { names: ['docker.io/library/x:1'] })
    const [loaded] = await other.engine.images.load(bytesOf(archive))
    expect(loaded!.displaced).toEqual([{ name: 'docker.io/library/x:1', id: old.id }])
  })

  test('from a file', async () => {
    const { id } = await add('one', 'x:1')
    const file = path.join(temporaryFolder(), 'x.tar')
    writeFileSync(file, await save('x:1'))
    const other = openTestEngine().engine
    expect((await other.images.load(file))[0]!.id).toBe(id)
  })

  test('what is not there', async () => {
    await expect(save('nosuch')).rejects.toThrow('No such image: nosuch:latest')
    await expect(engine.images.load('/nowhere')).rejects.toThrow('open /nowhere: no such file or directory')
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('this is no archive')],
    ['a file system', tarOf({ 'etc/': { directory: true }, 'etc/passwd': 'x' })],
    ['half an archive', Buffer.alloc(700, 'a')],
  ])('%s is no archive of images', async (_what, bytes) => {
    await expect(engine.images.load(bytesOf(bytes))).rejects.toMatchObject({
      code: expect.stringMatching(/^(ARCHIVE|TAR)_INVALID$/),
    })
    expect(engine.images.list()).toEqual([])
  })

  test('a cut archive leaves nothing', async () => {
    await add('one', 'x:1')
    const archive = await save('x:1')
    const other = openTestEngine().engine
    await expect(other.images.load(bytesOf(archive.subarray(0, 2000)))).rejects.toThrow()
    expect(other.images.list()).toEqual([])
  })
})

describe('import', () => {
  const source = (): AsyncIterable<Uint8Array> => bytesOf(tarOf({ 'etc/': { directory: true }, 'etc/a': 'hello' }))

  test('a file system becomes an image of one layer', async () => {
    const { id } = await engine.images.import({
      source: source(),
      sourceName: '-',
      tag: 'imported:1',
      message: 'by me',
    })
    expect(engine.images.inspect('imported:1')).toMatchObject({ Id: id, Comment: 'by me' })
    expect(engine.images.history('imported:1')).toMatchObject([{ bytes: 5 }])
  })

  test('without a name it has none', async () => {
    await engine.images.import({ source: source(), sourceName: '-' })
    expect(engine.images.list()).toMatchObject([{ tags: [] }])
  })

  test('instructions change its config', async () => {
    const changes = ['CMD ["a", "b"]', 'ENV X=1 Y=2', 'WORKDIR /w', 'EXPOSE 80', 'LABEL k=v']
    await engine.images.import({ source: source(), sourceName: '-', tag: 'i', changes })
    expect(engine.images.inspect('i')['Config']).toMatchObject({
      Cmd: ['a', 'b'],
      Env: expect.arrayContaining(['X=1', 'Y=2']),
      WorkingDir: '/w',
      ExposedPorts: { '80/tcp': {} },
      Labels: { k: 'v' },
    })
  })

  test.each([['RUN x'], ['NONSENSE'], ['FROM y']])('%s is refused', async (change) => {
    const importing = engine.images.import({ source: source(), sourceName: '-', changes: [change] })
    await expect(importing).rejects.toThrow()
    expect(engine.images.list()).toEqual([])
  })

  test.each([
    ['a bad name', { tag: 'BAD' }, 'REFERENCE_INVALID'],
    ['a missing file', { source: '/nowhere' }, 'ARCHIVE_INVALID'],
  ])('%s is refused', async (_what, changes, code) => {
    const importing = engine.images.import({ source: source(), sourceName: '-', ...changes })
    await expect(importing).rejects.toMatchObject({ code })
  })
})
