import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('ConsistentInstructionCasing', text)
const message = (keyword: string, majority: string): string =>
  `Command '${keyword}' should match the case of the command majority (${majority})`

test('most keywords decide, and upper case when there are as many', () => {
  expect(find('FROM scratch\nrun a\nCOPY a /\n')).toEqual([`2: ${message('run', 'uppercase')}`])
  expect(find('from scratch\nRUN a\ncopy a /\n')).toEqual([`2: ${message('RUN', 'lowercase')}`])
  expect(find('FROM scratch\nrun a\n')).toEqual([`2: ${message('run', 'uppercase')}`])
})

test('mixed case is wrong in any company, and has no vote', () => {
  expect(find('from scratch\nRun a\n')).toEqual([`2: ${message('Run', 'lowercase')}`])
  expect(find('From scratch\nRun a\n')).toEqual([
    `1: ${message('From', 'uppercase')}`,
    `2: ${message('Run', 'uppercase')}`,
  ])
})

test('arguments before the first FROM do not count', () => {
  expect(find('arg a\narg b\narg c\nFROM scratch\nRUN a\n')).toEqual([])
})
