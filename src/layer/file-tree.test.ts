import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ByteString, collectBytes } from '../core/index.ts'
import { type FileTree, openFileTree } from './file-tree.ts'
import { bytes, listTree, TestStore } from './fixture.suite.ts'
import { archive, forge, forgePax, padded } from './tar/forge.suite.ts'

const file = (name: string, content = 'x', more = {}) => forge({ name, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, ...more })
const symlink = (name: string, link: string) => forge({ name, link, flag: '2' })
const read = async (tree: FileTree, path: string, range?: { start: number; end?: number }) =>
  (await collectBytes(tree.read(bytes(path), range), 1 << 26, () => new Error('too long'))).toString('latin1')

test('nothing is an empty root', () => {
  const tree = openFileTree([])
  expect(tree.stat(bytes(''))).toBeUndefined()
  expect(tree.stat(bytes('etc/passwd'))).toBeUndefined()
  expect(tree.resolve(bytes('/a/../b'))).toBe('b')
  expect(tree.readFile(bytes('etc/passwd'), 100)).toBeUndefined()
  expect([tree.list(bytes('')), [...tree.walk()]]).toEqual([[], []])
})

describe('resolve', () => {
  const tar = archive(
    directory('usr/lib/deep'),
    file('usr/lib/f'),
    symlink('lib', 'usr/lib'),
    symlink('abs', '/usr/lib'),
    symlink('climb', '../../../usr'),
    symlink('chain', 'abs'),
    symlink('usr/back', '../lib/deep'),
    symlink('dangling', 'no/where/../else'),
    symlink('loop', 'loop2'),
    symlink('loop2', 'loop'),
    symlink('self', '.'),
    symlink('file', 'usr/lib/f'),
  )

  test.each([
    ['', ''],
    ['/', ''],
    ['.', ''],
    ['..', ''],
    ['lib', 'usr/lib'],
    ['lib/f', 'usr/lib/f'],
    ['abs/deep/..', 'usr/lib'],
    ['climb/lib', 'usr/lib'],
    ['chain/f', 'usr/lib/f'],
    ['usr/back', 'usr/lib/deep'],
    ['usr/back/../f', 'usr/lib/f'],
    ['self/self/lib', 'usr/lib'],
    ['../../lib/../..', ''],
    ['missing/../x/./y', 'x/y'],
    ['lib/missing/../../../..', ''],
    ['lib/new/file', 'usr/lib/new/file'],
    ['dangling', 'no/else'],
    ['dangling/x', 'no/else/x'],
    ['file/below', 'usr/lib/f/below'],
  ])('%s is %s', async (path, real) => {
    const tree = await new TestStore().tree(tar)
    expect(tree.resolve(bytes(path))).toBe(real)
    expect(tree.resolve(bytes(`/${path}/`))).toBe(real)
  })

  test('the last name can stay as it is', async () => {
    const tree = await new TestStore().tree(tar)
    expect(tree.resolve(bytes('usr/../lib'), { followLast: false })).toBe('lib')
    expect(tree.resolve(bytes('chain/f'), { followLast: false })).toBe('usr/lib/f')
    expect(tree.stat(bytes('chain'))).toMatchObject({ kind: 'symlink', link: 'abs', path: 'chain' })
    expect(tree.stat(bytes('chain/f'))).toMatchObject({ kind: 'file', path: 'usr/lib/f' })
    expect(tree.stat(bytes('file/below'))).toBeUndefined()
  })

  test('a loop is an error, wherever it is asked about', async () => {
    const tree = await new TestStore().tree(tar)
    expect(() => tree.resolve(bytes('loop'))).toThrow(/too many levels of symbolic links/)
    expect(() => tree.stat(bytes('loop/x'))).toThrow(expect.objectContaining({ code: 'TREE_SYMLINK_LOOP' }))
    expect(tree.stat(bytes('loop'))).toMatchObject({ kind: 'symlink' })
    expect(() => tree.readFile(bytes('loop'), 10)).toThrow(/symbolic links/)
  })

  test('a path through every symlink of a chain of 40', async () => {
    const links = Array.from({ length: 41 }, (_, i) => symlink(`l${i}`, i === 0 ? 'end' : `l${i - 1}`))
    const tree = await new TestStore().tree(archive(file('end', 'reached'), ...links))
    expect(tree.readFile(bytes('l39'), 10)?.toString()).toBe('reached')
    expect(() => tree.readFile(bytes('l40'), 10)).toThrow(/symbolic links/)
  })

  test('never leaves the root, whatever the links and the path', async () => {
    const part = fc.constantFrom('..', '.', 'a', 'b', 'c', '', 'x')
    const link = fc
      .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 4 }))
      .map(([absolute, parts]) => `${absolute ? '/' : ''}${parts.join('/')}` || '.')
    await fc.assert(
      fc.asyncProperty(link, link, fc.array(part, { maxLength: 6 }), async (a, b, path) => {
        const tree = await new TestStore().tree(
          archive(directory('x'), symlink('a', a), symlink('x/b', b), symlink('x/c', '..')),
        )
        try {
          const real = tree.resolve(bytes(path.join('/')))
          expect(real).not.toMatch(/(^|\/)\.\.?(\/|$)|^\/|\/\/|\/$/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'TREE_SYMLINK_LOOP' })
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('list and walk', () => {
  test('sort by bytes, also names that sort before a dot', async () => {
    const names = [' ', '!x', '-y', '+z', '.hidden', '..more', '/a'.slice(1), 'B', 'a b', 'a', 'a-', 'a.b', '\xff', '~']
    const tree = await new TestStore().tree(archive(...names.map((name) => file(`d/${name}`)), file('d/a.b.c')))
    const expected = [...names, 'a.b.c'].filter((name, i, all) => all.indexOf(name) === i).sort()
    expect(tree.list(bytes('d')).map((entry) => entry.path)).toEqual(expected.map((name) => `d/${name}`))
    for (const name of expected) expect(tree.stat(bytes(`d/${name}`))?.kind).toBe('file')
  })

  test('a directory comes before what is in it', async () => {
    const tree = await new TestStore().tree(archive(file('b/c/d'), file('b.x'), file('a'), directory('b/a')))
    expect([...tree.walk()].map((entry) => entry.path)).toEqual(['a', 'b', 'b/a', 'b/c', 'b/c/d', 'b.x'])
    expect([...tree.walk(bytes('b/c'))].map((entry) => entry.path)).toEqual(['b/c/d'])
  })

  test('find nothing in a tree without layers', () => {
    expect([...openFileTree([]).walk()]).toEqual([])
  })

  test('follow a symlink to a directory, and give real paths', async () => {
    const tree = await new TestStore().tree(archive(file('real/f'), symlink('l', 'real')))
    expect(tree.list(bytes('/l')).map((entry) => entry.path)).toEqual(['real/f'])
  })

  test('of what is no directory fail', async () => {
    const tree = await new TestStore().tree(archive(file('f')))
    expect(() => tree.list(bytes('f'))).toThrow(
      expect.objectContaining({ code: 'TREE_NOT_FOUND', message: '"f": not a directory' }),
    )
    expect(() => [...tree.walk(bytes('x'))]).toThrow('"x": no such file or directory')
  })

  test('thousands of names: each is found, none that is missing', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `n${(i * 7919) % 3000}`.padEnd(5 + (i % 90), '-'))
    const tree = await new TestStore().tree(archive(...names.map((name) => file(`d/${name}`, ''))))
    expect(tree.list(bytes('d'))).toHaveLength(3000)
    for (const name of names) {
      expect(tree.stat(bytes(`d/${name}`))?.path).toBe(`d/${name}`)
      expect(tree.stat(bytes(`d/${name}\x01`))).toBeUndefined()
    }
    expect(tree.stat(bytes('d/.'))?.path).toBe('d')
    expect(tree.stat(bytes('d/ '))).toBeUndefined()
    expect(tree.stat(bytes('d/~'))).toBeUndefined()
  })
})

describe('several layers', () => {
  test('directories are merged, the topmost entry counts', async () => {
    const tree = await new TestStore().tree(
      archive(directory('d', { mode: 0o700 }), file('d/a', '1'), file('d/b', '1'), file('e/x', '1')),
      archive(directory('d', { mode: 0o711, uid: 3 }), file('d/b', '2'), file('d/c', '2')),
      archive(file('d/c', '3'), symlink('e', 'd')),
    )
    expect(await listTree(tree)).toEqual({
      d: 'directory',
      'd/a': 'file 1',
      'd/b': 'file 2',
      'd/c': 'file 3',
      e: 'symlink d',
    })
    expect(tree.stat(bytes('d'))).toMatchObject({ mode: 0o711, uid: 3 })
    expect(tree.readFile(bytes('e/b'), 10)?.toString()).toBe('2')
    expect(new Set([...tree.walk()].map((entry) => entry.inode)).size).toBe(5)
  })

  test('a hundred of them', async () => {
    const store = new TestStore()
    const layers = await store.stack(
      ...Array.from({ length: 100 }, (_, i) => archive(directory('d'), file(`d/${i % 20}`, String(i)))),
    )
    const tree = openFileTree(layers)
    expect(tree.list(bytes('d'))).toHaveLength(20)
    expect(tree.readFile(bytes('d/7'), 10)?.toString()).toBe('87')
  })
})

describe('read', () => {
  const content = Array.from({ length: 200_000 }, (_, i) => String.fromCharCode(32 + ((i * 31) % 90))).join('')

  test('ranges', async () => {
    const tree = await new TestStore().tree(archive(file('f', content), file('empty', '')))
    expect(await read(tree, 'f')).toBe(content)
    for (const [start, end] of [
      [0, 1],
      [511, 513],
      [100_000, 250_000],
      [199_999, 200_000],
      [200_000, 200_001],
      [5, 5],
    ] as const) {
      expect(await read(tree, 'f', { start, end })).toBe(content.slice(start, end))
    }
    expect(await read(tree, 'f', { start: 150_000 })).toBe(content.slice(150_000))
    expect(await read(tree, 'empty')).toBe('')
  })

  test('small files at once, with a cap', async () => {
    const tree = await new TestStore().tree(
      archive(file('etc/passwd', 'root'), symlink('p', 'etc/passwd'), directory('d')),
    )
    expect(tree.readFile(bytes('p'), 4)?.toString()).toBe('root')
    expect(() => tree.readFile(bytes('p'), 3)).toThrow(expect.objectContaining({ code: 'TREE_FILE_TOO_LARGE' }))
    expect(tree.readFile(bytes('d'), 4)).toBeUndefined()
    expect(tree.readFile(bytes('etc/shadow'), 4)).toBeUndefined()
  })

  test('what is no file fails', async () => {
    const tree = await new TestStore().tree(archive(directory('d'), forge({ name: 'fifo', flag: '6' })))
    await expect(read(tree, 'd')).rejects.toThrow('"d": not a regular file')
    await expect(read(tree, 'fifo')).rejects.toMatchObject({ code: 'TREE_NOT_FOUND' })
    await expect(read(tree, 'x')).rejects.toThrow('"x": no such file or directory')
  })

  test('a missing archive is named', async () => {
    const store = new TestStore()
    const layer = await store.add(archive(file('f', content)))
    rmSync(layer.devices[0]!.path)
    const tree = openFileTree([layer])
    expect(tree.stat(bytes('f'))).toMatchObject({ size: content.length })
    await expect(read(tree, 'f')).rejects.toMatchObject({
      code: 'LAYER_DATA_MISSING',
      message: expect.stringContaining(layer.diffId),
    })
  })
})

describe('sparse files', () => {
  const sparse = (map: number[], size: number, data: string) =>
    Buffer.concat([forgePax({ 'GNU.sparse.map': map.join(), 'GNU.sparse.size': String(size) }), file('s', data)])

  const anyMap = fc
    .array(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 3000 })), { minLength: 1, maxLength: 8 })
    .chain((gaps) => fc.record({ gaps: fc.constant(gaps), aligned: fc.boolean(), end: fc.nat(5000) }))
    .map(({ gaps, aligned, end }) => {
      const unit = aligned ? 512 : 1
      let at = 0
      const map: number[] = []
      for (const [gap, length] of gaps) {
        map.push(at + gap * unit, length * unit)
        at += (gap + length) * unit
      }
      return { map, size: at + end }
    })

  test('any map reads as the file it describes, aligned to blocks or not', async () => {
    await fc.assert(
      fc.asyncProperty(anyMap, async ({ map, size }) => {
        const expected = Buffer.alloc(size)
        const stored: Buffer[] = []
        for (let i = 0; i < map.length; i += 2) {
          const data = Buffer.alloc(map[i + 1]!, 65 + (i % 26))
          data.copy(expected, map[i]!)
          stored.push(data)
        }
        const store = new TestStore()
        const tree = await store.tree(
          archive(sparse(map, size, Buffer.concat(stored).toString('latin1')), file('after', 'ok')),
        )
        expect(tree.stat(bytes('s'))?.size).toBe(size)
        expect((await read(tree, 's')) === expected.toString('latin1')).toBe(true)
        expect(await read(tree, 'after')).toBe('ok')
      }),
      { numRuns: 60 },
    )
  })

  test('5 GiB with data at both ends and in the middle takes little', async () => {
    const size = 5 * 2 ** 30
    const map = [0, 5, 2.5 * 2 ** 30 + 7, 5, size - 5, 5]
    const store = new TestStore()
    const tree = await store.tree(archive(sparse(map, size, 'startmidleends!')))
    expect(await read(tree, 's', { start: 0, end: 6 })).toBe('start\0')
    expect(await read(tree, 's', { start: 2.5 * 2 ** 30, end: 2.5 * 2 ** 30 + 13 })).toBe('\0\0\0\0\0\0\0midle\0')
    expect(await read(tree, 's', { start: size - 6 })).toBe('\0ends!')
    const extents = tree.extents(bytes('s'))
    expect(extents.every((extent) => extent.length <= 256 << 10)).toBe(true)
  })

  test('a map that would make the index huge is refused', async () => {
    const size = 200 * 2 ** 30
    const map = Array.from({ length: 20_000 }, (_, i) => [Math.floor((size / 20_000) * i) + 1, 1]).flat()
    const head = forgePax({
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 's',
      'GNU.sparse.realsize': String(size),
    })
    const text = padded(`20000\n${map.join('\n')}\n`).toString('latin1')
    const tar = archive(head, file('s', text + 'x'.repeat(20_000)))
    await expect(new TestStore().add(tar)).rejects.toMatchObject({ code: 'LAYER_LIMIT_EXCEEDED' })
  })
})

test('a path is bytes: what looks like text is not touched', async () => {
  const name = 'caf\xe9 \u0001\u007f' as ByteString
  const tree = await new TestStore().tree(archive(file(name, 'y')))
  expect(tree.stat(name)?.path).toBe(name)
})
