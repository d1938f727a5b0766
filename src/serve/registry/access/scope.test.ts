import { expect, test } from 'vitest'
import { actionsOf, formatScope, parseScopes } from './scope.ts'

test.each([
  ['repository:team/app:pull,push', ['repository', 'team/app', ['pull', 'push']]],
  ['repository:host:5000/app:pull', ['repository', 'host:5000/app', ['pull']]],
  ['registry:catalog:*', ['registry', 'catalog', ['*']]],
  ['repository(plugin):x:pull', ['repository(plugin)', 'x', ['pull']]],
  ['repository:a:pull,pull,', ['repository', 'a', ['pull']]],
  ['repository:a:', ['repository', 'a', []]],
])('%s', (text, [type, name, actions]) => expect(parseScopes([text])).toEqual([{ type, name, actions }]))

test.each(['', 'x', 'repository', 'repository:', ':a:pull', 'repository:pull', `repository:${'a'.repeat(2000)}:pull`])(
  'no scope: %j',
  (text) => expect(parseScopes([text])).toEqual([]),
)

test('several in one field or in several', () => {
  const texts = parseScopes(['repository:a:pull repository:b:push', '', 'x repository:c:pull']).map(formatScope)
  expect(texts).toEqual(['repository:a:pull', 'repository:b:push', 'repository:c:pull'])
})

test('a request cannot ask without end', () => {
  expect(parseScopes([Array.from({ length: 500 }, (_, at) => `repository:r${at}:pull`).join(' ')])).toHaveLength(20)
})

test('a star asks for all actions, unknown ones are none', () => {
  expect(actionsOf(['*'])).toEqual(['pull', 'push', 'delete'])
  expect(actionsOf(['push', 'admin', 'pull'])).toEqual(['pull', 'push'])
})
