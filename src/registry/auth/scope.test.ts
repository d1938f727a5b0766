import { expect, test } from 'vitest'
import { mergeScopes, repositoryScope } from './scope.ts'

test('a scope names its actions in order', () => {
  expect(repositoryScope('a/b', ['push', 'pull'])).toBe('repository:a/b:pull,push')
})

test.each<[string, string[], string[]]>([
  ['sorts', ['repository:b:pull', 'repository:a:pull'], ['repository:a:pull', 'repository:b:pull']],
  ['merges', ['repository:a:push', 'repository:a:pull'], ['repository:a:pull,push']],
  ['takes * for all', ['repository:a:pull', 'repository:a:*'], ['repository:a:*']],
  [
    'splits at the last colon',
    ['repository:h:5000/a:pull', 'repository:h:5000/a:push'],
    ['repository:h:5000/a:pull,push'],
  ],
  [
    'keeps types apart',
    ['registry:catalog:*', 'repository:catalog:pull'],
    ['registry:catalog:*', 'repository:catalog:pull'],
  ],
  [
    'drops what is empty or double',
    ['', 'x', 'x', 'repository:a:', 'repository:a:,,pull,pull'],
    ['repository:a:pull', 'x'],
  ],
])('mergeScopes %s', (_name, scopes, expected) => {
  expect(mergeScopes(scopes)).toEqual(expected)
})
