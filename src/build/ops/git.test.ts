import { describe, expect, test } from 'vitest'
import { toByteString } from '../../core/index.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { contextFolder, errorOf, listFiles, solveText } from '../fixture.suite.ts'
import { COMMIT_TIME, gitServer, noGit } from '../git/fixture.suite.ts'

describe.skipIf(noGit)('ADD of a git repository (needs git)', () => {
  test('brings the files of a commit, or of a folder in it', async () => {
    const server = await gitServer()
    server.tree('r').commit({ f: 'text', 'd/g': '#!' })
    const text = `FROM scratch\nADD ${server.url}/r/.git /a\nADD --chown=5:6 ${server.url}/r/.git?subdir=d f /b/\n`
    const { tree } = await solveText(temporaryStore(), text, { context: contextFolder({ f: 'local' }) })
    expect(listFiles(tree)).toEqual({
      'a/': '',
      'a/d/': '',
      'a/d/g': '#!',
      'a/f': 'text',
      'b/': '',
      'b/f': 'local',
      'b/g': '#!',
    })
    expect(tree.stat(toByteString('a/d/g'))).toMatchObject({ mode: 0o755, uid: 0, mtime: { seconds: COMMIT_TIME } })
    expect(tree.stat(toByteString('b/g'))).toMatchObject({ uid: 5, gid: 6 })
  })

  test('is found in the cache by its commit, without fetching', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    tree.commit({ f: '1' })
    const store = temporaryStore()
    const text = `FROM scratch\nADD ${server.url}/r/.git#main /\n`
    expect(Object.values((await solveText(store, text)).outcomes)).toEqual(['done'])
    server.asked.length = 0
    expect(Object.values((await solveText(store, text)).outcomes)).toEqual(['cached'])
    const lookUp = server.asked.length
    tree.commit({ f: '2' })
    const next = await solveText(store, text)
    expect(Object.values(next.outcomes)).toEqual(['done'])
    expect(listFiles(next.tree)).toEqual({ f: '2' })
    expect(server.asked.length).toBeGreaterThan(2 * lookUp)
  })

  test('keeps .git when asked for, and leaves out what --exclude says', async () => {
    const server = await gitServer()
    server.tree('r').commit({ f: '', 'd/g': '' })
    const text = `FROM scratch\nADD --keep-git-dir=true --exclude=d ${server.url}/r/.git /a\nADD ${server.url}/r/.git /b\n`
    const { tree } = await solveText(temporaryStore(), text)
    const names = Object.keys(listFiles(tree))
    expect(names).toEqual(expect.arrayContaining(['a/.git/HEAD', 'a/.git/index', 'a/f', 'b/d/g', 'b/f']))
    expect(names.filter((name) => name.startsWith('a/d') || name.startsWith('b/.git'))).toEqual([])
  })

  test('fails with the line, and what to do', async () => {
    const server = await gitServer()
    const commit = server.tree('r').commit({ f: '' })
    const url = `${server.url}/r/.git`
    const add = (words: string) => errorOf(solveText(temporaryStore(), `FROM scratch\nADD ${words} /\n`))
    expect(await add(`${url}#none`)).toBe(`2: repository does not contain ref none: ${url}`)
    expect(await add(`--checksum=abcdef1 ${url}`)).toBe(`2: expected checksum to match abcdef1, got ${commit}`)
    expect(await add(`--checksum=main ${url}`)).toBe('2: invalid checksum main for Git URL, expected hex commit hash')
    expect(await add(`${url}#:none`)).toBe(`2: invalid subdir /none: no such folder in commit ${commit.slice(0, 12)}`)
  })
})
