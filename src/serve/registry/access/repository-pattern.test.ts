import { expect, test } from 'vitest'
import { parseRepositoryPattern } from './repository-pattern.ts'

test.each(['app', 'team/*', 'team/**', '**', '*-dev/a.b_c'])('a pattern of names: %s', (text) => {
  expect(parseRepositoryPattern(text).text).toBe(text)
})

const WRONG = ['', '/', 'a/', 'a//b', 'Team/*', 'a/../b', '..', '.', 'a/**b', 'a***', 'a b', 'a:b', 'é', 'a?']

test.each([...WRONG, 'a'.repeat(256)])('nothing that a name can match: %j', (text) =>
  expect(() => parseRepositoryPattern(text)).toThrow(expect.objectContaining({ code: 'ACCESS_INVALID' })),
)
