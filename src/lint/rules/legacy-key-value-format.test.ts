import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('LegacyKeyValueFormat', text)

test('ENV and LABEL without an equal sign, with the keyword as written', () => {
  expect(find('FROM scratch\nENV a b c\nlabel x y=z\n')).toEqual([
    '2: "ENV key=value" should be used instead of legacy "ENV key value" format',
    '3: "label key=value" should be used instead of legacy "label key value" format',
  ])
  expect(find('FROM scratch\nENV a=b c="d e"\nLABEL x=y\nARG z\n')).toEqual([])
})
