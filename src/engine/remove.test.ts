import { beforeEach, describe, expect, test } from 'vitest'
import { addImage, type TestStore } from '../store/fixture.suite.ts'
import { openTestEngine } from './fixture.suite.ts'
import type { Engine } from './index.ts'

let engine: Engine
let store: TestStore

beforeEach(() => {
  const both = openTestEngine()
  engine = both.engine
  store = both.store
})

/** An image whose content nothing but its names holds. */
async function add(...names: string[]): Promise<{ id: string; diffId: string }> {
  const image = await addImage(store, [{ 'a.txt': names.join() }], {
    names: names.map((name) => `docker.io/library/${name}`),
  })
  const { diff_ids: diffIds } = store.images.config(image).config.rootfs
  store.testLease[Symbol.dispose]()
  return { id: image.id, diffId: diffIds[0]! }
}

const refused = (text: string, options = {}): unknown => {
  try {
    return engine.images.remove(text, options)
  } catch (error) {
    return (error as Error).message
  }
}

describe('rmi', () => {
  test('the last name takes the image and its layers', async () => {
    const { id, diffId } = await add('x:1')
    const { untagged, deleted, bytes } = engine.images.remove('x:1')
    expect(untagged).toEqual(['x:1'])
    expect(deleted).toEqual([id, diffId])
    expect(bytes).toBeGreaterThan(0)
    expect(engine.images.list()).toEqual([])
  })

  test('one of several names goes alone', async () => {
    const { id } = await add('x:1', 'x:2')
    expect(engine.images.remove('x:1')).toEqual({ untagged: ['x:1'], deleted: [], bytes: 0 })
    expect(engine.images.inspect('x:2')['Id']).toBe(id)
  })

  test('an id with several names is refused, unless forced', async () => {
    const { id } = await add('x:1', 'y:1')
    expect(refused(id)).toBe(
      `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
    )
    expect(engine.images.remove(id, { force: true })).toMatchObject({ untagged: ['x:1', 'y:1'] })
  })

  test('what a container uses is refused; with force the name goes', async () => {
    const { id } = await add('x:1')
    const container = engine.containers.create({ image: 'x:1', command: ['a'] })
    const short = container.id.slice(0, 12)
    expect(refused('x:1')).toBe(
      `conflict: unable to remove repository reference "x:1" (must force) - container ${short} is using its referenced image ${id.slice(7, 19)}`,
    )
    expect(refused(id)).toBe(
      `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is being used by stopped container ${short}`,
    )
    expect(engine.images.remove('x:1', { force: true })).toMatchObject({ untagged: ['x:1'], deleted: [id] })
    // the container keeps what it needs
    expect(engine.containers.inspect(container.id)['Image']).toBe(id)
  })

  test('what is not there', () => {
    expect(refused('nosuch')).toBe('No such image: nosuch:latest')
    expect(refused('BAD')).toMatch(/^invalid reference format/)
  })
})

describe('pruning', () => {
  test('takes images without a name, and with all those that nobody uses', async () => {
    await addImage(store, [{ d: 'd' }])
    await addImage(store, [{ u: 'u' }], { names: ['docker.io/library/used:1'] })
    const { id } = await add('free:1')
    engine.containers.create({ image: 'used:1', command: ['a'] })
    expect(engine.images.prune().untagged).toEqual([])
    expect(engine.images.list().map(({ tags }) => tags[0])).toEqual(expect.arrayContaining(['used:1', 'free:1']))
    expect(engine.images.list()).toHaveLength(2)
    const { untagged, deleted } = engine.images.prune({ all: true })
    expect(untagged).toEqual(['free:1'])
    expect(deleted).toContain(id)
    expect(engine.images.list().map(({ tags }) => tags)).toEqual([['used:1']])
  })

  test('by filter', async () => {
    await add('free:1')
    expect(engine.images.prune({ all: true, filters: { label: ['nope'] } }).untagged).toEqual([])
    expect(engine.images.prune({ all: true, filters: { until: ['24h'] } }).untagged).toEqual(['free:1'])
    expect(() => engine.images.prune({ filters: { reference: ['x'] } })).toThrow("invalid filter 'reference'")
  })
})
