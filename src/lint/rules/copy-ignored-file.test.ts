import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string, ignored?: string[]): string[] => found('CopyIgnoredFile', text, ignored ? { ignored } : {})

test('COPY and ADD of what is kept out of the context', () => {
  expect(find('FROM scratch\nENV NAME=b\nCOPY a $NAME c /\nADD b /\n', ['a', 'b'])).toEqual([
    '3: Attempting to Copy file "a" that is excluded by .dockerignore',
    '3: Attempting to Copy file "b" that is excluded by .dockerignore',
    '4: Attempting to Add file "b" that is excluded by .dockerignore',
  ])
})

test('what comes from elsewhere is not kept out', () => {
  const text = 'FROM scratch AS one\nFROM scratch\nCOPY --from=one a /\nADD https://a/ git@a:b /\nCOPY <<a /\nx\na\n'
  expect(find(text, ['a', 'https://a/', 'git@a:b'])).toEqual([])
  expect(find('FROM scratch\nCOPY a /\n')).toEqual([])
})
