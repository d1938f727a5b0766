import { describe, expect, test } from 'vitest'
import { toByteString } from '../../core/index.ts'
import { addLayer, type Member, temporaryStore } from '../../store/fixture.suite.ts'
import { errorOf, listFiles, solveText } from '../fixture.suite.ts'

async function workdir(
  lines: string,
  files: Readonly<Record<string, Member>> = { 'etc/passwd': 'web:x:3:4::/:/bin/sh\n' },
) {
  const store = temporaryStore()
  const layers = Object.keys(files).length === 0 ? [] : [await addLayer(store, files)]
  const solved = await solveText(store, `FROM base\n${lines}\n`, { bases: { base: { layers } } })
  const of = (name: string) => {
    const { mode, uid, gid } = solved.tree.stat(toByteString(name))!
    return `${mode.toString(8)} ${uid}:${gid}`
  }
  return { ...solved, of }
}

describe('WORKDIR', () => {
  test('makes what is missing, for root', async () => {
    const { tree, of } = await workdir('WORKDIR /a/b', {})
    expect(listFiles(tree)).toEqual({ 'a/': '', 'a/b/': '' })
    expect([of('a'), of('a/b')]).toEqual(['755 0:0', '755 0:0'])
  })

  test('makes it for the user, and leaves what is there', async () => {
    const files = { 'etc/passwd': 'web:x:3:4::/:/bin/sh\n', 'a/': { directory: true, mode: 0o700, uid: 9 } } as const
    const { of } = await workdir('USER web\nWORKDIR /a/b', files)
    expect([of('a'), of('a/b')]).toEqual(['700 9:0', '755 3:4'])
  })

  test('makes an empty layer when all is there', async () => {
    const { diffIds, job } = await workdir('WORKDIR /etc')
    expect(diffIds).toHaveLength(2)
    expect(job.events.filter(({ type }) => type === 'warning')).toEqual([])
  })

  test('follows symlinks inside of the image', async () => {
    const { tree } = await workdir('WORKDIR /link/x', { link: { symlink: '../../real' }, 'real/': '' })
    expect(Object.keys(listFiles(tree))).toEqual(['link', 'real/', 'real/x/'])
  })

  test('cannot go through a file', async () => {
    expect(await errorOf(workdir('ENV A=1\nWORKDIR /f/x', { f: '' }))).toBe('3: mkdir /f: not a directory')
  })

  test('warns of a user that the image does not know', async () => {
    const { job, of } = await workdir('USER ghost\nWORKDIR /x')
    const message = expect.stringContaining('"ghost"')
    expect(job.events).toContainEqual(expect.objectContaining({ code: 'OWNER_UNKNOWN', message }))
    expect(of('x')).toBe('755 0:0')
  })
})
