import { describe, expect, test } from 'vitest'
import { bytesOf, silentJob } from '../../core/index.ts'
import { addLayers, type Member, temporaryStore } from '../../store/fixture.suite.ts'
import { compareLayers, firstDifference } from './compare-layers.ts'

async function compare(a: Readonly<Record<string, Member>>, b: Readonly<Record<string, Member>>) {
  const store = temporaryStore()
  const [first, second] = await addLayers(store, a, b)
  return compareLayers(store, { first: first!, second: second! }, silentJob)
}

describe('the first difference of two layers', () => {
  const same = { 'd/': '', 'd/f': 'text' } as const
  test.each<[string, Readonly<Record<string, Member>>, object]>([
    [
      'a mode',
      { 'd/': { directory: true, mode: 0o700 }, 'd/f': 'text' },
      { path: 'd/', what: 'mode', first: '0755', second: '0700' },
    ],
    [
      'an owner',
      { 'd/': '', 'd/f': { file: 'text', uid: 3 } },
      { path: 'd/f', what: 'owner', first: '0:0', second: '3:0' },
    ],
    ['a size', { 'd/': '', 'd/f': 'texts' }, { path: 'd/f', what: 'size', first: '4', second: '5' }],
    ['content', { 'd/': '', 'd/f': 'teXt' }, { path: 'd/f', what: 'content', offset: 2 }],
    ['a kind', { 'd/': '', 'd/f': { symlink: 'x' } }, { path: 'd/f', what: 'type', first: 'file', second: 'symlink' }],
    ['a file too few', { 'd/': '' }, { path: 'd/f', what: 'only in the first' }],
    ['a file too many', { ...same, e: '' }, { path: 'e', what: 'only in the second' }],
    ['another file', { 'd/': '', 'd/g': 'text' }, { path: 'd/f', what: 'only in the first' }],
    [
      'an attribute',
      { 'd/': '', 'd/f': { file: 'text', xattrs: { 'user.a': 'b' } } },
      { path: 'd/f', what: 'attributes', first: '', second: 'user.a=62' },
    ],
    [
      'a time',
      { 'd/': '', 'd/f': { file: 'text', mtime: 5 } },
      { path: 'd/f', what: 'mtime', first: '1600000000', second: '5' },
    ],
    [
      'what matters more than a time',
      { 'd/': { directory: true, mtime: 5 }, 'd/f': 'tex!' },
      { path: 'd/f', what: 'content', offset: 3 },
    ],
  ])('is %s', async (_, other, expected) => {
    expect(await compare(same, other)).toEqual(expected)
  })

  test('is none where there is none', async () => {
    expect(await compare(same, same)).toBeUndefined()
  })
})

test.each([
  [['abc', 'def'], ['a', 'bcde', 'f'], undefined],
  [['abc'], ['ab', 'd'], 2],
  [['abc'], ['ab'], 2],
  [[], [], undefined],
  [[], ['x'], 0],
])('%j and %j differ from byte %s on', async (a, b, offset) => {
  const bytes = (texts: readonly string[]) => bytesOf(...texts.map((text) => Buffer.from(text)))
  expect(await firstDifference(bytes(a), bytes(b))).toBe(offset)
})
