import fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { type Change, type CompareOptions, compareTrees } from './compare.ts'
import { type FileTree, openFileTree } from './file-tree.ts'
import { TestStore } from './fixture.suite.ts'
import { archive, forge } from './tar/forge.suite.ts'

const file = (name: string, content = 'x', more = {}) => forge({ name, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, ...more })
const symlink = (name: string, link: string) => forge({ name, link, flag: '2' })

async function treeOf(...members: Buffer[]): Promise<FileTree> {
  return new TestStore().tree(archive(...members))
}

async function compare(before: FileTree, after: FileTree, options: CompareOptions = {}): Promise<Change[]> {
  const changes: Change[] = []
  for await (const change of compareTrees(before, after, options, silentJob)) changes.push(change)
  return changes
}

const shown = ({ kind, path, differences }: Change): string => [kind[0]!.toUpperCase(), path, ...differences].join(' ')

test('names that came, went and changed, in the order of a walk', async () => {
  const before = await treeOf(
    directory('a'),
    file('a/gone'),
    file('a/same'),
    file('a.b'),
    directory('d'),
    file('d/x'),
    file('mode', 'x', { mode: 0o600 }),
    file('owner', 'x', { uid: 5 }),
    symlink('link', 'here'),
    file('turns'),
    file('longer', 'ab'),
    file('time', 'x', { mtime: 5 }),
  )
  const after = await treeOf(
    directory('a'),
    file('a/new'),
    file('a/same'),
    file('a.b', 'y'),
    file('mode', 'x', { mode: 0o644 }),
    file('owner', 'x', { uid: 6 }),
    symlink('link', 'there'),
    directory('turns'),
    file('turns/in'),
    file('longer', 'abc'),
    file('time', 'x', { mtime: 6 }),
  )
  expect((await compare(before, after)).map(shown)).toEqual([
    'R a/gone',
    'A a/new',
    'C a.b content',
    'R d',
    'C link link',
    'C longer content size',
    'C mode mode',
    'C owner owner',
    'C time time',
    'C turns kind',
    'A turns/in',
  ])
  expect((await compare(before, after, { insideRemoved: true })).map(shown)).toContain('R d/x')
  expect((await compare(before, after, { ignoreTimes: true })).map(shown)).not.toContain('C time time')
})

test('tells the first byte that is not the same', async () => {
  const text = 'a'.repeat(600_000)
  const before = await treeOf(file('f', text), file('short', 'abc'), file('equal', text))
  const after = await treeOf(
    file('f', `${text.slice(0, 500_000)}b${text.slice(500_001)}`),
    file('short', 'abcd'),
    file('equal', text),
  )
  const changes = await compare(before, after)
  expect(changes.map(({ path, contentOffset }) => [path, contentOffset])).toEqual([
    ['f', 500_000],
    ['short', 3],
  ])
})

test('nothing and something', async () => {
  const nothing = openFileTree([])
  const something = await treeOf(file('f'))
  expect((await compare(nothing, something)).map(shown)).toEqual(['A f'])
  expect((await compare(something, nothing)).map(shown)).toEqual(['R f'])
  expect(await compare(nothing, nothing)).toEqual([])
})

test('is what a comparison of two lists says', async () => {
  const names = fc.constantFrom('a', 'a.b', 'a-', 'b', 'c0', 'c')
  const trees = fc.dictionary(names, fc.constantFrom('1', '2', '22'), { maxKeys: 6 })
  await fc.assert(
    fc.asyncProperty(trees, trees, async (before, after) => {
      const members = (of: Record<string, string>) => Object.entries(of).map(([name, text]) => file(name, text))
      const changes = await compare(
        await treeOf(directory('.'), ...members(before)),
        await treeOf(directory('.'), ...members(after)),
      )
      const expected = [...new Set([...Object.keys(before), ...Object.keys(after)])]
        .sort()
        .filter((name) => before[name] !== after[name])
        .map((name) => [name, name in before ? (name in after ? 'changed' : 'removed') : 'added'])
      expect(changes.map(({ path, kind }) => [path, kind])).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})
