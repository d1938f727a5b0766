import { describe, expect, test } from 'vitest'
import { digestFor } from '../fixture.suite.ts'
import type { KeyPart } from '../key-part.ts'
import { differencesOf } from './differences.ts'

const run = { kind: 'run', args: ['/bin/sh', '-c', 'make'], env: ['A=1', 'B=2'], cwd: '/', network: 'default' }
const of = (operation: KeyPart, content: KeyPart = {}): { operation: KeyPart; content: KeyPart } => ({
  operation,
  content,
})
const none = (): undefined => undefined

describe('of an instruction', () => {
  test.each<[string, Record<string, KeyPart>, object[]]>([
    ['the command', { args: ['/bin/sh', '-c', 'make all'] }, [{ part: 'command', old: 'make', new: 'make all' }]],
    ['a list as command', { args: ['make'] }, [{ part: 'command', old: 'make', new: '["make"]' }]],
    ['a variable', { env: ['A=1', 'B=3'] }, [{ part: 'variable', from: 'ENV', name: 'B', old: '2', new: '3' }]],
    [
      'a variable more, one less',
      { env: ['A=1', 'C=3'] },
      [
        { part: 'variable', name: 'B', old: '2' },
        { part: 'variable', from: 'ENV', name: 'C', new: '3' },
      ],
    ],
    ['the order of variables', { env: ['B=2', 'A=1'] }, [{ part: 'order of variables' }]],
    ['the folder', { cwd: '/src' }, [{ part: 'workdir', old: '/', new: '/src' }]],
    ['the network', { network: 'none' }, [{ part: 'network', old: 'default', new: 'none' }]],
    ['something new', { more: { a: [1] } }, [{ part: 'more', new: '{"a":[1]}' }]],
    [
      'a mount',
      { mounts: [{ type: 'cache', target: '/c', input: null, source: '/', readonly: false, mode: 448 }] },
      [{ part: 'mount', name: '/c', new: 'type=cache,source=/,mode=448' }],
    ],
  ])('%s', (_what, change, expected) => {
    expect(differencesOf(of(run), of({ ...run, ...change }), none)).toEqual(expected)
  })

  test('the command comes first, the base last', () => {
    const changed = of({ ...run, cwd: '/a', args: ['x'] }, { base: 'new', more: 2 })
    const parts = differencesOf(of(run, { base: 'old', more: 1 }), changed, none).map(({ part }) => part)
    expect(parts).toEqual(['command', 'workdir', 'more', 'base'])
  })

  test('a hidden value shows as stars', () => {
    const [old, now] = ['hidden-0123456789ab', 'hidden-ba9876543210']
    const found = differencesOf(of({ env: [`T=${old}`] }), of({ env: [`T=${now}`] }), none)
    expect(found).toEqual([{ part: 'variable', from: 'ENV', name: 'T', old: '****', new: '****' }])
  })

  test('a build argument is told apart from ENV', () => {
    const found = differencesOf(of(run), of({ ...run, env: ['A=2', 'B=3'] }), none, { args: ['B'] })
    expect(found).toMatchObject([
      { name: 'A', from: 'ENV' },
      { name: 'B', from: 'ARG' },
    ])
  })

  test('what is mounted goes by its target, and its files by their names', () => {
    const bind = (target: string, source: string): KeyPart => ({ type: 'bind', target, input: 1, source })
    const operation = { ...run, mounts: [{ type: 'tmpfs', target: '/t' }, bind('/a', '/one'), bind('/b', '/two')] }
    const [a, b, c, d] = [1, 2, 3, 4].map((at) => digestFor(`list ${at}`)) as [string, string, string, string]
    const list = (content: string): string => `\tdirectory\t755\t0\t0\t0\nf\tfile\t644\t0\t0\t1\t\t\t${content}\n`
    const lists = new Map<string, string>([
      [b, list('before')],
      [d, list('after')],
    ])
    const found = differencesOf(of(operation, { mounts: [a, b] }), of(operation, { mounts: [c, d] }), (digest) =>
      lists.get(digest),
    )
    expect(found).toMatchObject([
      { part: 'source of mount', name: '/a', old: a, new: c },
      { part: 'file', name: 'two/f', mount: '/b', change: 'changed' },
    ])
    expect(differencesOf(of(operation, { mounts: [a] }), of(operation, { mounts: [a, b] }), none)).toEqual([
      { part: 'hidden' },
    ])
  })

  test('that nothing shows is said', () => {
    expect(differencesOf(of(run), of(run), none)).toEqual([{ part: 'hidden' }])
  })
})

describe('of files', () => {
  const file = (name: string, text: string, mode = '644'): string =>
    `${[name, 'file', mode, 0, 0, text.length, '', '', digestFor(text)].join('\t')}\n`
  const folder = `${['', 'directory', '755', 0, 0, 0, '', '', ''].join('\t')}\n`
  const copy = (...paths: string[]): KeyPart => ({ kind: 'copy', sources: [{ input: 1, paths }] })
  const found = (old: string, now: string, operation = copy('app')): object[] => {
    const lists = new Map([old, now].map((list) => [digestFor(list), list]))
    const content = (list: string): KeyPart => ({ base: 'b', files: digestFor(list) })
    return differencesOf(of(operation, content(old)), of(operation, content(now)), (digest) => lists.get(digest))
  }

  test('are named with what they were and are', () => {
    const old = folder + file('a', 'one') + file('b', 'two') + file('c', 'three')
    const now = folder + file('a', 'ONE!') + file('b', 'two', '755') + file('d', 'four')
    expect(found(old, now)).toMatchObject([
      { name: 'app/a', change: 'changed', old: { size: 3, digest: digestFor('one') }, new: { size: 4 } },
      { name: 'app/b', change: 'changed', old: { mode: '644' }, new: { mode: '755' } },
      { name: 'app/c', change: 'removed', old: { uid: 0, gid: 0 } },
      { name: 'app/d', change: 'added', new: { kind: 'file' } },
    ])
  })

  test('a file that is named itself has the name it was copied by', () => {
    expect(found(file('a', '1'), file('a', '2'), copy('./src/a'))).toMatchObject([{ name: 'src/a' }])
    expect(found(file('a', '1'), file('a', '2'), copy('src/*'))).toMatchObject([{ name: 'a' }])
  })

  test('names keep tabs and newlines', () => {
    const [old, now] = [file('a\\9;b\\10;\\92;', '1'), file('a\\9;b\\10;\\92;', '2')]
    expect(found(folder + old, folder + now, copy('.'))).toMatchObject([{ name: 'a\tb\n\\' }])
  })

  test('without a list there is at least the digest', () => {
    const operation = copy('a')
    const [old, now] = [digestFor('1'), digestFor('2')]
    const both = differencesOf(of(operation, { files: old }), of(operation, { files: now }), none)
    expect(both).toEqual([{ part: 'files', old, new: now }])
  })
})
