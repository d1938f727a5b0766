import { expect, test } from 'vitest'
import type { RegistryRule } from './registries-conf.ts'
import { findRule, matchedLength, rewriteName } from './registry-rule.ts'

const rule = (prefix: string, location = prefix): RegistryRule => ({
  prefix,
  location,
  insecure: false,
  blocked: false,
  mirrors: [],
  file: 'registries.conf',
})

test.each([
  ['h.example.com', 'h.example.com', 13],
  ['h.example.com:5000/a', 'h.example.com', 13],
  ['h.example.com/a/b', 'h.example.com/a', 15],
  ['h.example.com/ab', 'h.example.com/a', -1],
  ['h.example.com', 'h.example.com/a', -1],
  ['h.example.community', 'h.example.com', -1],
  ['g.h.example.com/a', '*.example.com', 15],
  ['example.com/a', '*.example.com', -1],
  ['h.org/x.example.com/a', '*.example.com', -1],
  ['h.example.com/a', '**.example.com', -1],
  ['h.example.com.org/a', '*.example.com', -1],
])('%s under %s: %i', (name, prefix, length) => {
  expect(matchedLength(name, prefix)).toBe(length)
})

test('the one that covers most, the plainest of those', () => {
  const rules = ['*.com', '*.example.com', 'h.example.com', 'h.example.com/team', 'other.com'].map((each) => rule(each))
  expect(findRule(rules, 'h.example.com/team/app')?.prefix).toBe('h.example.com/team')
  expect(findRule(rules, 'h.example.com/a')?.prefix).toBe('h.example.com')
  expect(findRule(rules.reverse(), 'g.example.com/a')?.prefix).toBe('*.example.com')
  expect(findRule(rules, 'h.org/a')).toBeUndefined()
})

test.each(['h.example.com', 'HOST.d/X', 'h/y:tag', 'https://h'])('%s is no place for a repository', (location) => {
  expect(() => rewriteName('h:5000/a', rule('h:5000/a', location), location)).toThrow('which is no repository')
})

test.each([
  ['h:5000/a', 'h:5000', 'm.example.com', 'm.example.com a'],
  ['h:5000/a/b', 'h:5000/a', 'm.example.com/x', 'm.example.com x/b'],
  ['docker.io/library/a', '*.io', 'm.example.com', 'm.example.com library/a'],
  ['a.example.com/b', '*.example.com', '', 'a.example.com b'],
  ['h.example.com', 'h.example.com', 'm.example.com/x', 'm.example.com x'],
])('%s with %s replaced by %j is %s', (name, prefix, location, expected) => {
  const { domain, path } = rewriteName(name, rule(prefix, location), location)
  expect(`${domain} ${path}`).toBe(expected)
})
