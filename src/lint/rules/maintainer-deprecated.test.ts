import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('MaintainerDeprecated', text)
const MESSAGE = 'Maintainer instruction is deprecated in favor of using label'

test('MAINTAINER in any case', () => {
  expect(find('FROM scratch\nMAINTAINER a\nmaintainer b\n')).toEqual([`2: ${MESSAGE}`, `3: ${MESSAGE}`])
  expect(find('FROM scratch\nLABEL maintainer=a\n')).toEqual([])
})

test('also where the file makes no sense further down', () => {
  expect(find('FROM scratch\nMAINTAINER a\nFRUN b\nMAINTAINER c\n')).toEqual([`2: ${MESSAGE}`])
})
