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

const library = (name: string): string => `docker.io/library/${name}`
const add = (created: string, ...names: string[]) =>
  addImage(store, [{ [`${created}.txt`]: names.join(' ') }], {
    names: names.map(library),
    created,
    config: { Labels: { year: created.slice(0, 4), kind: 'test' } },
  })

const tagsOf = (filters?: Record<string, string[]>): string[] =>
  engine.images.list(filters).map(({ tags }) => tags[0] ?? '<none>')

describe('the list', () => {
  test('has the newest first, each image once, with all its names', async () => {
    await add('2020-01-01T00:00:00Z', 'old:1', 'old:2')
    await add('2022-01-01T00:00:00Z', 'new:latest')
    const [first, second, ...rest] = engine.images.list()
    expect(rest).toEqual([])
    expect(first).toMatchObject({ tags: ['new:latest'], created: new Date('2022-01-01T00:00:00Z'), containers: 0 })
    expect(second!.tags.toSorted()).toEqual(['old:1', 'old:2'])
  })

  test('counts containers', async () => {
    const image = await add('2020-01-01T00:00:00Z', 'a:latest')
    engine.containers.create({ image: 'a', command: ['x'] })
    engine.containers.create({ image: image.id, command: ['x'] })
    expect(engine.images.list()[0]!.containers).toBe(2)
  })

  test.each([
    ['dangling', { dangling: ['true'] }, ['<none>']],
    ['not dangling', { dangling: ['false'] }, ['c:1', 'b:1', 'a:1']],
    ['a label', { label: ['year=2020'] }, ['a:1']],
    ['a label’s name', { label: ['kind'] }, ['c:1', 'b:1', '<none>', 'a:1']],
    ['labels add up', { label: ['kind', 'year=2022'] }, ['b:1']],
    ['without a label', { 'label!': ['year=2020', 'year=2021'] }, ['c:1', 'b:1']],
    ['before', { before: ['b:1'] }, ['<none>', 'a:1']],
    ['since', { since: ['b:1'] }, ['c:1']],
    ['until', { until: ['2021-06-01'] }, ['<none>', 'a:1']],
    ['a pattern', { reference: ['[ab]:*'] }, ['b:1', 'a:1']],
    ['a repository', { reference: ['c'] }, ['c:1']],
    ['several of one kind are alternatives', { reference: ['a', 'c:1'] }, ['c:1', 'a:1']],
    ['kinds add up', { reference: ['a', 'c:1'], label: ['year=2020'] }, ['a:1']],
  ])('filtered: %s', async (_what, filters, expected) => {
    await add('2020-01-01T00:00:00Z', 'a:1')
    await add('2021-01-01T00:00:00Z')
    await add('2022-01-01T00:00:00Z', 'b:1')
    await add('2023-01-01T00:00:00Z', 'c:1')
    expect(tagsOf(filters)).toEqual(expected)
  })

  test('filtered by a name, an image shows no other', async () => {
    await add('2020-01-01T00:00:00Z', 'a:1')
    engine.images.tag('a:1', 'host:5000/b:1')
    const namesOf = (reference?: string): string[] =>
      engine.images.list(reference === undefined ? {} : { reference: [reference] }).flatMap(({ tags }) => tags)
    expect(namesOf('a')).toEqual(['a:1'])
    expect(namesOf('host:5000/b')).toEqual(['host:5000/b:1'])
    expect(namesOf()).toEqual(['a:1', 'host:5000/b:1'])
  })

  test.each([
    [{ nonsense: ['x'] }, "invalid filter 'nonsense'"],
    [{ constructor: ['x'] }, "invalid filter 'constructor'"],
    [{ dangling: ['maybe'] }, "invalid filter 'dangling=[maybe]'"],
    [{ until: ['soon'] }, 'failed to parse value as time or duration: "soon"'],
  ])('filter %j is refused', (filters, message) => {
    expect(() => engine.images.list(filters as never)).toThrow(
      expect.objectContaining({ code: 'FILTER_INVALID', message }),
    )
  })

  test('before an unknown image', () => {
    expect(() => engine.images.list({ before: ['nosuch'] })).toThrow(
      expect.objectContaining({ code: 'IMAGE_NOT_FOUND' }),
    )
  })
})

describe('a name', () => {
  test('is given and moved', async () => {
    const one = await add('2020-01-01T00:00:00Z', 'one:1')
    const two = await add('2021-01-01T00:00:00Z', 'two:1')
    engine.images.tag('one:1', 'moving')
    expect(engine.images.inspect('moving')).toMatchObject({ Id: one.id, RepoTags: ['moving:latest', 'one:1'] })
    engine.images.tag(two.id, 'moving:latest')
    expect(engine.images.inspect('moving')).toMatchObject({ Id: two.id })
    expect(engine.images.inspect('one:1')).toMatchObject({ RepoTags: ['one:1'] })
  })

  test.each(['Bad:x', 'a:b:c', '', 'x'.repeat(300)])('%j is refused', async (name) => {
    await add('2020-01-01T00:00:00Z', 'one:1')
    expect(() => engine.images.tag('one:1', name)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }))
  })

  test('with a digest is refused', async () => {
    await add('2020-01-01T00:00:00Z', 'one:1')
    expect(() => engine.images.tag('one:1', `a@sha256:${'1'.repeat(64)}`)).toThrow(
      'refusing to create a tag with a digest reference',
    )
  })

  test('beginnings of an id are enough', async () => {
    const { id } = await add('2020-01-01T00:00:00Z', 'one:1')
    for (const text of [id, id.slice(7), id.slice(7, 19), id.slice(0, 15)]) {
      expect(engine.images.inspect(text)['Id']).toBe(id)
    }
  })
})

describe('the history', () => {
  test('has a row for each step, newest first, with sizes', async () => {
    const { id } = await addImage(store, [{ a: 'aa' }, { b: 'bbb' }], { names: [library('x:1')] })
    const rows = engine.images.history('x:1')
    expect(rows).toMatchObject([
      { id, createdBy: 'step 2', bytes: 3, tags: ['x:1'] },
      { id: undefined, createdBy: 'step 1', bytes: 2, tags: [] },
    ])
  })

  test('of an unknown image', () => {
    expect(() => engine.images.history('nosuch')).toThrow('No such image: nosuch:latest')
  })
})

describe('inspecting', () => {
  test('has Docker’s fields', async () => {
    const image = await add('2020-01-01T00:00:00Z', 'x:1')
    expect(engine.images.inspect('x:1')).toMatchObject({
      Id: image.id,
      RepoTags: ['x:1'],
      Created: '2020-01-01T00:00:00Z',
      Os: 'linux',
      RootFS: { Type: 'layers', Layers: [expect.stringMatching(/^sha256:/)] },
      Config: { Labels: { year: '2020', kind: 'test' } },
    })
  })
})
