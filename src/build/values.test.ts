import { describe, expect, test } from 'vitest'
import type { LayerRecord } from '../store/index.ts'
import { digestFor } from './fixture.suite.ts'
import { baseLayers, contentKey, diffIdsOf, type LayerRef, stackOf, storedLayer, type Value } from './values.ts'

const record = (name: string): LayerRecord => ({ diffId: digestFor(name), size: 1 }) as LayerRecord
const stored = (name: string): LayerRef => storedLayer(record(name))

/** A layer that is still being stored: `arrive` ends that; `users` counts who has its directory mounted. */
function pendingLayer(name: string) {
  let arrive = (): void => {}
  let underWay = true
  const state = { users: 0 }
  const committed = new Promise<LayerRecord>((resolve) => {
    arrive = () => {
      underWay = false
      resolve(record(name))
    }
  })
  const use = (): (() => void) => {
    state.users++
    return () => void state.users--
  }
  const layer: LayerRef = { committed, pending: () => (underWay ? { directory: `/upper/${name}`, use } : undefined) }
  return { layer, state, arrive: () => arrive() }
}

describe('what is mounted for a file system', () => {
  test('are its layers, once they are stored', async () => {
    const { parts } = await stackOf([stored('a'), stored('b')])
    expect(parts).toEqual([{ diffId: digestFor('a') }, { diffId: digestFor('b') }])
  })

  test('is the directory of a layer that is still being stored, held until it is given back', async () => {
    const { layer, state, arrive } = pendingLayer('b')
    const { parts, release } = await stackOf([stored('a'), layer])
    expect(parts).toEqual([{ diffId: digestFor('a') }, { directory: '/upper/b' }])
    expect(state.users).toBe(1)
    arrive()
    expect(state.users).toBe(1)
    release()
    expect(state.users).toBe(0)
    expect((await stackOf([stored('a'), layer])).parts).toEqual([
      { diffId: digestFor('a') },
      { diffId: digestFor('b') },
    ])
  })

  test('are several directories on top of one another', async () => {
    const [b, c] = [pendingLayer('b'), pendingLayer('c')]
    const { parts, release } = await stackOf([stored('a'), b.layer, c.layer])
    expect(parts.slice(1)).toEqual([{ directory: '/upper/b' }, { directory: '/upper/c' }])
    release()
    expect([b.state.users, c.state.users]).toEqual([0, 0])
  })

  test('waits for a layer below one that is stored: directories only go on top', async () => {
    const { layer, state, arrive } = pendingLayer('a')
    const stack = stackOf([layer, stored('b')])
    arrive()
    expect((await stack).parts).toEqual([{ diffId: digestFor('a') }, { diffId: digestFor('b') }])
    expect(state.users).toBe(0)
  })
})

test('the content of a file system is named by its layers in order', async () => {
  expect(await contentKey([])).toBe('scratch')
  expect(await contentKey([stored('a')])).toBe(digestFor('a'))
  expect(await contentKey([stored('a'), stored('b')])).not.toBe(await contentKey([stored('b'), stored('a')]))
  const { layer, arrive } = pendingLayer('b')
  const waiting = diffIdsOf([stored('a'), layer])
  arrive()
  expect(await waiting).toEqual([digestFor('a'), digestFor('b')])
})

test('the first input is what layers are added to, if it is a file system', () => {
  const layers: Value = { kind: 'layers', layers: [stored('a')] }
  const files = { kind: 'files', files: {} } as unknown as Value
  expect(baseLayers([layers, files])).toHaveLength(1)
  expect(baseLayers([files, layers])).toEqual([])
  expect(baseLayers([])).toEqual([])
})
