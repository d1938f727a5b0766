import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('ReservedStageName', text)

test('scratch and context mean something else', () => {
  expect(find('FROM scratch AS scratch\nFROM scratch AS Context\nFROM scratch AS contexts\n')).toEqual([
    '1: Stage name should not use the same name as reserved stage "scratch"',
    '2: Stage name should not use the same name as reserved stage "context"',
  ])
})
