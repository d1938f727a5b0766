import { describe, expect, test } from 'vitest'
import { type Digest, digestOf } from '../core/index.ts'
import { addImage, addLayers, temporaryStore } from './fixture.suite.ts'
import { openStore, type StepRecord } from './index.ts'

const key = (text: string): Digest => digestOf(Buffer.from(text))

function step(name: string, more: Partial<StepRecord> = {}): StepRecord {
  return { key: key(name), opKey: key('op'), document: { op: 'copy', name }, diffIds: [], createdAt: 1, ...more }
}

describe('build steps', () => {
  test('are found by their key, with the document they were made of', () => {
    const store = temporaryStore()
    const saved = step('a', { diffIds: [key('layer 1'), key('layer 2')], createdAt: 12345 })
    store.steps.save(saved)
    expect(store.steps.find(saved.key)).toEqual({ ...saved, endedAt: 0, label: '', kind: '' })
    expect(store.steps.find(key('b'))).toBeUndefined()
  })

  test('a newer result takes the place of an older one', () => {
    const store = temporaryStore()
    store.steps.save(step('a', { diffIds: [key('old')] }))
    store.steps.save(step('a', { diffIds: [key('new'), key('new')], createdAt: 2 }))
    expect(store.steps.find(key('a'))).toMatchObject({ diffIds: [key('new'), key('new')], createdAt: 2 })
  })

  test('of one operation are listed, latest first', () => {
    const store = temporaryStore()
    store.steps.save(step('old', { createdAt: 1 }))
    store.steps.save(step('new', { createdAt: 3 }))
    store.steps.save(step('middle', { createdAt: 2 }))
    store.steps.save(step('other', { opKey: key('another'), createdAt: 4 }))
    expect(store.steps.ofOperation(key('op')).map(({ createdAt }) => createdAt)).toEqual([3, 2, 1])
    expect(store.steps.knowsOperation(key('another'))).toBe(true)
    expect(store.steps.knowsOperation(key('none'))).toBe(false)
  })

  test('are forgotten one by one or all together', () => {
    const store = temporaryStore()
    for (const name of ['a', 'b', 'c']) store.steps.save(step(name))
    store.steps.forget(key('a'))
    store.steps.forget(key('a'))
    expect(store.steps.find(key('a'))).toBeUndefined()
    expect(store.steps.clear()).toBe(2)
    expect(store.steps.knowsOperation(key('op'))).toBe(false)
  })

  test('outlive the process, and are shared between processes', () => {
    const store = temporaryStore()
    const other = openStore(store.layout.root)
    store.steps.save(step('a'))
    expect(other.steps.find(key('a'))).toMatchObject({ document: { op: 'copy', name: 'a' } })
    other.steps.forget(key('a'))
    expect(store.steps.find(key('a'))).toBeUndefined()
    other[Symbol.dispose]()
  })

  test('keep their layers from being collected, until they are forgotten', async () => {
    const store = temporaryStore()
    const [layer] = await addLayers(store, { a: 'x' })
    store.steps.save(step('a', { diffIds: [layer!] }))
    store.testLease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([])
    expect(store.layers.get(layer!)).toBeDefined()
    store.steps.forget(key('a'))
    expect(store.collect().digests).toEqual([layer])
    expect(store.layers.get(layer!)).toBeUndefined()
  })

  test('that are forgotten leave a note, until they come back', () => {
    const store = temporaryStore()
    store.steps.save(step('a'))
    expect(store.steps.evicted(key('a'))).toBeUndefined()
    store.steps.forget(key('a'), 'pruned')
    expect(store.steps.evicted(key('a'))).toMatchObject({ reason: 'pruned' })
    store.steps.forget(key('never there'), 'pruned')
    expect(store.steps.evicted(key('never there'))).toBeUndefined()
    store.steps.save(step('a'))
    expect(store.steps.evicted(key('a'))).toBeUndefined()
  })

  test('are found by what progress called them, latest first', () => {
    const store = temporaryStore()
    store.steps.save(step('old', { label: 'RUN x', createdAt: 1 }))
    store.steps.save(step('new', { label: 'RUN x', createdAt: 2 }))
    store.steps.save(step('other', { label: 'RUN y', createdAt: 3 }))
    expect(store.steps.withLabel('RUN x').map(({ createdAt }) => createdAt)).toEqual([2, 1])
  })

  test('are found by a layer of theirs, and by how large it is', async () => {
    const store = temporaryStore()
    const [one, other, longer] = await addLayers(store, { a: 'x' }, { b: 'y' }, { c: 'z'.repeat(600) })
    store.steps.save(step('one', { diffIds: [one!], kind: 'run' }))
    store.steps.save(step('other', { diffIds: [other!], kind: 'run', createdAt: 2 }))
    store.steps.save(step('copied', { diffIds: [other!], kind: 'copy' }))
    store.steps.save(step('longer', { diffIds: [longer!], kind: 'run' }))
    store.steps.save(step('both', { diffIds: [one!, longer!], kind: 'run' }))
    const layer = store.layers.get(one!)!
    expect(store.steps.similar('run', layer).map((record) => record.key)).toEqual([key('other'), key('one')])
    expect(store.steps.withLayer(longer!).map((record) => record.key)).toEqual([key('both'), key('longer')].sort())
  })

  test('are listed with their use, the least recently used first', () => {
    const store = temporaryStore()
    for (const name of ['a', 'b']) store.steps.save(step(name, { label: name, kind: 'run' }))
    store.steps.find(key('a'))
    store.steps.get(key('b'))
    const uses = Object.fromEntries(store.steps.list().map((each) => [each.label, each.uses]))
    expect(uses).toEqual({ a: 1, b: 0 })
  })

  test('know which of their layers images have, too', async () => {
    const store = temporaryStore()
    const [shared, own] = await addLayers(store, { a: 'x' }, { b: 'y' })
    await addImage(store, [store.layers.get(shared!)!], { names: ['docker.io/library/a:latest'] })
    store.steps.save(step('a', { diffIds: [shared!, own!] }))
    expect([...store.steps.sharedLayers()]).toEqual([shared])
  })
})
