import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('StageNameCasing', text)

test('capitals in the name of a stage', () => {
  expect(find('FROM scratch AS Builder\nFROM scratch AS PROD\n')).toEqual([
    "1: Stage name 'Builder' should be lowercase",
    "2: Stage name 'PROD' should be lowercase",
  ])
})

test('the base may have them, and stages without a name are nothing', () => {
  expect(find('FROM scratch AS a-1\nFROM scratch\nFROM $Base AS b\n')).toEqual([])
})
