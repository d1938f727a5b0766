import { expect, test } from 'vitest'
import { debugExpand, debugMatch, debugParse, debugReference } from './debug.ts'

test('a Dockerfile', () => {
  expect(debugParse({ text: 'FROM a\nRUN <<-E\n\tx\nE\nRUN b \\\n\nc' })).toEqual({
    dump: '(from "a")\n(run "<<-E")\n(run "b c")',
    escape: '\\',
    lines: [
      [1, 1],
      [2, 4],
      [5, 7],
    ],
    warnings: ['Empty continuation line found in: RUN b c'],
    heredocs: [{ child: 1, chomp: true, content: '\tx\n', expand: true, fd: 0, name: 'E' }],
  })
  expect(debugParse({ text: 'FROM a' })).toMatchObject({ warnings: null })
  expect(debugParse({ text: '' })).toEqual({ error: 'file with no instructions' })
})

test('a word', () => {
  const word = 'x $A $B'
  const answer = { expect: 'x 1=2 ', words: ['x', '1=2'], unmatched: ['B'] }
  expect(debugExpand({ word, env: ['A=1=2'] })).toEqual(answer)
  expect(debugExpand({ word, env: { A: '1=2' } })).toEqual(answer)
  expect(debugExpand({ word: ' ', env: [] })).toEqual({ expect: ' ', words: null })
  expect(debugExpand({ word: '"', env: [] })).toHaveProperty('error')
})

test('patterns', () => {
  expect(debugMatch({ patterns: ['a', '!a/b'], path: 'a/c' })).toEqual({ excluded: true })
  expect(debugMatch({ patterns: ['!'], path: 'a' })).toEqual({ error: 'illegal exclusion pattern: "!"' })
})

test('a reference', () => {
  expect(debugReference({ ref: 'me/app' })).toEqual({
    domain: 'docker.io',
    path: 'me/app',
    familiar: 'me/app',
    string: 'docker.io/me/app',
    tagNameOnly: 'docker.io/me/app:latest',
  })
  expect(debugReference({ ref: 'A' })).toHaveProperty('error')
})
