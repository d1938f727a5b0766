import { expect, test } from 'vitest'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { digestFor } from '../fixture.suite.ts'
import { FileLists } from './file-lists.ts'

test('a list is held for the build, and kept when a step has it', () => {
  const { memos } = temporaryStore()
  const lists = new FileLists(memos)
  for (const name of ['kept', 'not kept']) {
    const note = lists.note()
    note.add(`${name}\xff\n`)
    note.add('more\n')
    note.end(digestFor(name))
  }
  lists.keep({ base: 'scratch', mounts: [{ digest: digestFor('kept') }], no: null, n: 1 })
  expect(lists.get(digestFor('not kept'))).toBe('not kept\xff\nmore\n')
  const later = new FileLists(memos)
  expect(later.get(digestFor('kept'))).toBe('kept\xff\nmore\n')
  expect(later.get(digestFor('not kept'))).toBeUndefined()
})

test('50,000 files take less than 3 MB', () => {
  const { memos } = temporaryStore()
  const note = new FileLists(memos)
  const list = note.note()
  for (let at = 0; at < 50_000; at++) {
    list.add(
      `node_modules/package-${at % 500}/lib/file-${at}.js\tfile\t644\t0\t0\t1234\t\t\t${digestFor(String(at))}\n`,
    )
  }
  list.end(digestFor('many'))
  note.keep(digestFor('many'))
  expect(memos.list('copied-files')[0]!.bytes).toBeLessThan(3e6)
  expect(new FileLists(memos).get(digestFor('many'))).toHaveLength(note.get(digestFor('many'))!.length)
})

test('a list that is too long is not kept', () => {
  const lists = new FileLists(temporaryStore().memos)
  const note = lists.note()
  for (let at = 0; at < 60; at++) note.add('x'.repeat(1 << 20))
  note.end(digestFor('long'))
  expect(lists.get(digestFor('long'))).toBeUndefined()
})
