import { describe, expect, test } from 'vitest'
import { ANONYMOUS, type Identity } from './identity.ts'
import { parseRepositoryPattern } from './repository-pattern.ts'
import { parseRobotScope } from './robots.ts'
import { ACTIONS, allowedActions, mayUse, parseActions, parseWho, type Rule, USER_RULES } from './rules.ts'

const rule = (repository: string, who: string, ...actions: string[]): Rule => ({
  repositories: repository.split(' ').map(parseRepositoryPattern),
  who: who.split(' ').map(parseWho),
  actions: parseActions(actions),
})
const alice: Identity = { kind: 'user', name: 'alice', groups: ['dev'] }
const bob: Identity = { kind: 'user', name: 'bob', groups: [] }
const robot = (...scopes: string[]): Identity => ({ kind: 'robot', name: 'ci', scopes: scopes.map(parseRobotScope) })
const may = (rules: readonly Rule[], who: Identity, repository: string): string =>
  [...allowedActions(rules, who, repository)].sort().join(' ')

describe('the first rule about a repository and a caller decides', () => {
  const rules = [
    rule('team/frozen', 'authenticated', 'pull'),
    rule('team/**', 'group:dev', 'pull', 'push'),
    rule('team/**', 'bob'),
    rule('public/** base', 'anonymous', 'pull'),
    rule('**', 'bob robot:ci', '*'),
  ]

  test.each([
    ['alice', alice, 'team/app', 'pull push'],
    ['alice', alice, 'team/frozen', 'pull'],
    ['alice', alice, 'other', ''],
    ['alice, as anybody', alice, 'public/x', 'pull'],
    ['alice, as anybody', alice, 'base', 'pull'],
    ['bob', bob, 'team/app', ''],
    ['bob', bob, 'team/frozen', 'pull'],
    ['bob', bob, 'x', 'delete pull push'],
    ['anonymous', ANONYMOUS, 'public/x', 'pull'],
    ['anonymous', ANONYMOUS, 'team/app', ''],
    ['anonymous', ANONYMOUS, 'x', ''],
  ])('%s: %o on %s may %j', (_, who, repository, expected) => expect(may(rules, who, repository)).toBe(expected))

  test('what anonymous callers may do cannot be taken from those who log in', () => {
    const taken = [rule('**', 'bob'), rule('**', 'anonymous', 'pull')]
    expect(may(taken, bob, 'x')).toBe('pull')
  })

  test('no rule, no right', () => expect(may([], alice, 'x')).toBe(''))
})

describe('robots', () => {
  test('may do what their token says', () => {
    expect(may([], robot('team/*:pull,push', 'base:pull'), 'team/app')).toBe('pull push')
    expect(may([], robot('team/*:pull,push', 'base:pull'), 'base')).toBe('pull')
    expect(may([], robot('team/*:pull,push'), 'other')).toBe('')
  })

  test('have the sum of their scopes', () => expect(may([], robot('a:pull', '**:delete'), 'a')).toBe('delete pull'))

  test('a rule about robots takes away and never adds', () => {
    const rules = [rule('prod/**', 'robots', 'pull'), rule('**', 'robot:ci', '*')]
    expect(may(rules, robot('**:pull,push'), 'prod/app')).toBe('pull')
    expect(may(rules, robot('dev/*:push'), 'prod/app')).toBe('')
    expect(may(rules, robot('dev/*:push'), 'dev/app')).toBe('push')
  })

  test('are no users', () => {
    expect(may([rule('**', 'authenticated ci group:dev', '*')], robot(), 'x')).toBe('')
    expect(may([rule('**', 'robots robot:alice', '*')], alice, 'x')).toBe('')
  })
})

test('without rules those who log in pull and push', () => {
  expect(may(USER_RULES, alice, 'a/b')).toBe('pull push')
  expect(may(USER_RULES, ANONYMOUS, 'a/b')).toBe('')
  const looks = (rules: readonly Rule[], who: Identity): boolean => mayUse({ rules, admins: [] }, who, 'catalog')
  expect([looks(USER_RULES, ANONYMOUS), looks(USER_RULES, bob)]).toEqual([false, true])
  expect(looks([rule('**', 'anonymous')], ANONYMOUS)).toBe(false)
  expect(looks([rule('**', 'everyone', 'pull')], ANONYMOUS)).toBe(true)
})

test('those who are named run the registry', () => {
  const policy = { rules: [], admins: ['group:dev', 'robot:ci'].map(parseWho) }
  const may = [alice, bob, robot(), ANONYMOUS].map((who) => mayUse(policy, who, 'admin'))
  expect(may).toEqual([true, false, true, false])
  expect(mayUse(policy, alice, 'other')).toBe(false)
})

test('names in rules', () => {
  expect(parseWho('alice')).toEqual({ kind: 'user', name: 'alice' })
  expect(parseWho('user:anonymous')).toEqual({ kind: 'user', name: 'anonymous' })
  expect(parseWho('group:a:b')).toEqual({ kind: 'group', name: 'a:b' })
  for (const text of ['', 'user:', 'team:x']) {
    expect(() => parseWho(text)).toThrow(expect.objectContaining({ code: 'ACCESS_INVALID' }))
  }
  expect([...parseActions(['*'])]).toEqual(ACTIONS)
  expect(() => parseActions(['read'])).toThrow(/unknown action "read"/)
})
