import { describe, expect, test } from 'vitest'
import { directory, file, hardlink, symlink } from './entries.suite.ts'
import { bytes, listTree, TestStore } from './fixture.suite.ts'
import { archive, forgePax } from './tar/forge.suite.ts'

describe('names', () => {
  test.each([
    ['absolute', '/etc/x', 'etc/x'],
    ['with dots', './a/./b//c', 'a/b/c'],
    ['climbing inside', 'a/b/../c', 'a/c'],
    ['any bytes', 'caf\xe9\xff\x1b[31m\n', 'caf\xe9\xff\x1b[31m\n'],
  ])('%s', async (_what, name, path) => {
    const tree = await new TestStore().tree(archive(file(name, 'x')))
    expect(await listTree(tree)).toMatchObject({ [path]: 'file x' })
  })

  test.each([
    ['../x', /out of the root/],
    ['a/b/../../../x', /out of the root/],
    ['.wh.../../../x', /out of the root/],
    ['n'.repeat(100) + 'n'.repeat(156), /too long/],
    ['sub/.wh.', /whiteout of nothing/],
    ['sub/.wh..', /whiteout of nothing/],
    ['sub/.wh...', /whiteout of nothing/],
    ['.wh.x/y', /below a whiteout/],
  ])('%s is refused', async (name, message) => {
    const tar = archive(forgePax({ path: name }), file('x'))
    await expect(new TestStore().add(tar)).rejects.toMatchObject({
      code: 'LAYER_ENTRY_REFUSED',
      message: expect.stringMatching(message),
    })
  })

  test('what stands for the root is described or ignored, never replaced', async () => {
    const store = new TestStore()
    const tree = await store.tree(
      archive(
        directory('./', { mode: 0o711, uid: 1234 }),
        symlink('.', '/etc'),
        file('', 'x'),
        hardlink('a/..', 'f'),
        file('f'),
      ),
    )
    expect(tree.stat(bytes(''))).toMatchObject({ kind: 'directory', mode: 0o711, uid: 1234, path: '' })
    expect(await listTree(tree)).toEqual({ f: 'file evil' })
    expect(store.warnings).toHaveLength(3)
    expect(store.warnings[0]).toContain('stands for the root')
  })

  test('a thousand directories deep', async () => {
    const deep = Array(1000).fill('d').join('/')
    const tree = await new TestStore().tree(archive(forgePax({ path: `${deep}/f` }), file('x', 'deep')))
    expect(tree.readFile(bytes(`${deep}/f`), 10)?.toString()).toBe('deep')
    expect([...tree.walk()]).toHaveLength(1001)
  })
})

describe('symlinks on the way are followed inside of the layer', () => {
  test.each([
    ['absolute', [symlink('esc', '/var/x'), file('esc/pwned')], 'var/x/pwned'],
    ['climbing', [directory('a'), symlink('a/esc', '../../../../var/x'), file('a/esc/pwned')], 'var/x/pwned'],
    ['relative', [symlink('a/l', '../b/c'), file('a/l/pwned')], 'b/c/pwned'],
    ['in a chain', [symlink('a', 'b'), symlink('b', 'c'), symlink('c', '/d'), file('a/pwned')], 'd/pwned'],
    ['last wins', [file('n'), directory('n'), symlink('n', '/o'), file('n/pwned')], 'o/pwned'],
    [
      'already there',
      [directory('usr/lib'), symlink('lib', 'usr/lib'), file('lib/x', 'y'), file('lib/pwned')],
      'usr/lib/pwned',
    ],
  ])('%s', async (_what, parts, path) => {
    const tree = await new TestStore().tree(archive(...parts))
    expect(await listTree(tree)).toMatchObject({ [path]: 'file evil' })
  })

  test('a loop is refused', async () => {
    const tar = archive(symlink('a', 'b'), symlink('b', 'a'), file('a/x'))
    await expect(new TestStore().add(tar)).rejects.toThrow(/too many levels of symbolic links/)
  })

  test('the last name is not followed: a directory takes the place of a symlink', async () => {
    const tree = await new TestStore().tree(archive(symlink('l', '/etc'), directory('l', { mode: 0o700 }), file('l/x')))
    expect(await listTree(tree)).toEqual({ l: 'directory', 'l/x': 'file evil' })
  })

  test('a symlink of a lower layer is not followed: the directory hides it, as in Docker', async () => {
    const tree = await new TestStore().tree(archive(symlink('esc', '/etc')), archive(file('esc/pwned')))
    expect(await listTree(tree)).toEqual({ esc: 'directory', 'esc/pwned': 'file evil' })
  })

  test('the path they lead to is limited too', async () => {
    const parts = ['d/d/d/d', 'd/d/d/d/d/d/d'].map((target, i) => symlink(`l${i}`, target))
    const tar = archive(...parts, directory('l0/x'), file('l1/x'))
    await expect(new TestStore().add(tar, { limits: { depth: 6 } })).rejects.toMatchObject({ data: { limit: 'depth' } })
    await expect(new TestStore().add(tar, { limits: { pathBytes: 14 } })).rejects.toMatchObject({
      data: { limit: 'pathBytes' },
    })
  })
})

describe('the last entry of a name counts', () => {
  test.each([
    ['file, file', [file('n', '1'), file('n', '2')], { n: 'file 2' }],
    ['directory, file', [directory('n'), file('n/x'), file('n', '2')], { n: 'file 2' }],
    ['file, directory', [file('n'), directory('n'), file('n/x')], { n: 'directory', 'n/x': 'file evil' }],
    ['file, something below it', [file('n'), file('n/x')], { n: 'directory', 'n/x': 'file evil' }],
    [
      'directory twice',
      [directory('n'), file('n/x'), directory('n', { mode: 0o700 })],
      { n: 'directory', 'n/x': 'file evil' },
    ],
    ['link, file', [file('t', 't'), hardlink('n', 't'), file('n', 'n')], { n: 'file n', t: 'file t' }],
    ['its own link', [file('n', 'n'), hardlink('n', 'n')], { n: 'file n' }],
  ])('%s', async (_what, parts, expected) => {
    expect(await listTree(await new TestStore().tree(archive(...parts)))).toEqual(expected)
  })

  test('and its attributes', async () => {
    const tree = await new TestStore().tree(
      archive(directory('n', { mode: 0o700 }), directory('n', { mode: 0o711, uid: 5 })),
    )
    expect(tree.stat(bytes('n'))).toMatchObject({ mode: 0o711, uid: 5 })
  })
})
