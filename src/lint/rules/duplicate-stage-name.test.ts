import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('DuplicateStageName', text)

test('each stage after the first of a name, in any case', () => {
  expect(find('FROM scratch AS a\nFROM scratch AS b\nFROM scratch AS A\nFROM scratch AS a\n')).toEqual([
    '3: Duplicate stage name "a", stage names should be unique',
    '4: Duplicate stage name "a", stage names should be unique',
  ])
  expect(find('FROM scratch\nFROM scratch\n')).toEqual([])
})
