import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('WorkdirRelativePath', text)
const message = (path: string): string =>
  `Relative workdir "${path}" can have unexpected results if the base image changes`

test('a relative WORKDIR that is the first of its stage', () => {
  expect(find('FROM scratch\nWORKDIR app/\nWORKDIR sub\nFROM scratch\nWORKDIR b\n')).toEqual([
    `2: ${message('app/')}`,
    `5: ${message('b')}`,
  ])
})

test('one before it, also in the stage it begins from, is what it is relative to', () => {
  expect(find('FROM scratch\nWORKDIR /app\nWORKDIR sub\n')).toEqual([])
  expect(find('FROM scratch AS a\nWORKDIR /app\nFROM a AS b\nFROM b\nWORKDIR sub\n')).toEqual([])
})

test('variables are replaced first', () => {
  expect(find('FROM scratch\nENV HOME=/root\nWORKDIR $HOME/x\n')).toEqual([])
  expect(find('FROM scratch\nENV DIR=x\nWORKDIR $DIR\n')).toEqual([`3: ${message('x')}`])
})
