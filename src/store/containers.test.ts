import { describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../core/index.ts'
import { inChild } from '../host/child.suite.ts'
import { addImage, type TestStore, temporaryStore } from './fixture.suite.ts'
import { openStore, type StoredContainer } from './index.ts'

let image: Digest
const id = (start: string): string => start.padEnd(64, '0')

function container(name: string, start: string, createdAt = 1): StoredContainer<{ note: string }> {
  return { id: id(start), name, imageDigest: image, record: { note: name }, createdAt }
}

/** A store with `image`. */
async function storeWithImage(): Promise<TestStore> {
  const store = temporaryStore()
  image = (await addImage(store, [])).descriptor.digest
  return store
}

describe('a container', () => {
  test('is kept with its record, and changed', async () => {
    const { containers } = await storeWithImage()
    containers.add(container('web', 'ab'))
    expect(containers.find('web')).toEqual(container('web', 'ab'))
    containers.update(id('ab'), { note: 'ä', nested: [1, null] })
    expect(containers.find(id('ab'))?.record).toEqual({ note: 'ä', nested: [1, null] })
    containers.remove(id('ab'))
    containers.remove(id('ab'))
    expect(containers.find('web')).toBeUndefined()
  })

  test('ids are 64 random hex digits', async () => {
    const { containers } = await storeWithImage()
    const ids = Array.from({ length: 100 }, () => containers.newId())
    expect(new Set(ids).size).toBe(100)
    for (const each of ids) expect(each).toMatch(/^[0-9a-f]{64}$/)
  })

  test('are listed newest first', async () => {
    const { containers } = await storeWithImage()
    containers.add(container('old', 'a', 1))
    containers.add(container('new', 'b', 3))
    containers.add(container('middle', 'c', 2))
    expect(containers.list().map(({ name }) => name)).toEqual(['new', 'middle', 'old'])
  })

  test('keeps its image from being collected', async () => {
    const store = temporaryStore()
    const { descriptor } = await addImage(store, [{ a: 'x' }])
    store.containers.add({ ...container('web', 'ab'), imageDigest: descriptor.digest })
    store.images.remove([descriptor.digest])
    store.testLease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([])
    store.containers.remove(id('ab'))
    expect(store.collect().digests).toHaveLength(3)
  })
})

test('an image that is gone is no image to run', () => {
  const { containers } = temporaryStore()
  expect(() => containers.add({ ...container('web', 'ab'), imageDigest: digestOf(Buffer.from('gone')) })).toThrow(
    expect.objectContaining({ code: 'IMAGE_NOT_FOUND', message: expect.stringMatching(/^No such image: sha256:/) }),
  )
  expect(containers.list()).toEqual([])
})

describe('finding', () => {
  test.each([
    ['the id', id('abc1'), 'one'],
    ['the beginning of an id', 'abc1', 'one'],
    ['one digit', 'f', 'three'],
    ['a name', 'two', 'two'],
    ['a name with a slash, as inspect prints it', '/two', 'two'],
    ['a name that looks like an id wins over ids', 'abc2', 'abc2'],
    ['nothing', 'nope', undefined],
    ['an empty word', '', undefined],
    ['upper case', 'ABC1', undefined],
    ['the end of an id', '0000', undefined],
    ['a pattern', '%', undefined],
    ['more than an id', `${id('abc1')}0`, undefined],
  ])('by %s', async (_by, text, expected) => {
    const { containers } = await storeWithImage()
    containers.add(container('one', 'abc1'))
    containers.add(container('two', 'abc2'))
    containers.add(container('three', 'f'))
    containers.add(container('abc2', '9'))
    expect(containers.find(text)?.name).toBe(expected)
  })

  test('a beginning of several ids is ambiguous, in Docker’s words', async () => {
    const { containers } = await storeWithImage()
    containers.add(container('one', 'abc1'))
    containers.add(container('two', 'abc2'))
    expect(() => containers.find('abc')).toThrow(
      expect.objectContaining({
        code: 'CONTAINER_AMBIGUOUS',
        message: 'Multiple IDs found with provided prefix: abc',
      }),
    )
  })
})

describe('names', () => {
  test('belong to one container', async () => {
    const { containers } = await storeWithImage()
    containers.add(container('web', 'ab'))
    expect(() => containers.add(container('web', 'cd'))).toThrow(
      expect.objectContaining({
        code: 'CONTAINER_NAME_TAKEN',
        message: `Conflict. The container name "/web" is already in use by container "${id('ab')}". You have to remove (or rename) that container to be able to reuse that name.`,
      }),
    )
    expect(containers.list()).toHaveLength(1)
    containers.remove(id('ab'))
    containers.add(container('web', 'cd'))
    expect(containers.find('web')?.id).toBe(id('cd'))
  })

  test('are given once when several processes want the same one', async () => {
    const store = await storeWithImage()
    const claim = (args: { root: string; digest: Digest; own: string }): Promise<string> =>
      inChild(async ({ load }, { root, digest, own }) => {
        const room = await load<typeof import('./index.ts')>('store/index.ts')
        const other = room.openStore(root)
        try {
          const wanted = { id: own.padEnd(64, '0'), name: 'wanted', imageDigest: digest, record: {}, createdAt: 1 }
          other.containers.add(wanted)
          return 'got it'
        } catch (error) {
          return (error as { code: string }).code
        } finally {
          other[Symbol.dispose]()
        }
      }, args)
    const outcomes = ['a', 'b', 'c', 'd'].map((own) => claim({ root: store.layout.root, digest: image, own }))
    expect((await Promise.all(outcomes)).sort()).toEqual([
      ...Array.from({ length: 3 }, () => 'CONTAINER_NAME_TAKEN'),
      'got it',
    ])
    const other = openStore(store.layout.root)
    expect(other.containers.list()).toHaveLength(1)
    other[Symbol.dispose]()
  })
})
