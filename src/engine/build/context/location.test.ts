import { expect, test } from 'vitest'
import { contextKey, isGitUrl } from './location.ts'

test.each([
  ['https://example.com/a/b.git', true],
  ['https://example.com/a/b.git#main:sub', true],
  ['https://example.com/a/b.git?ref=v1&subdir=x', true],
  ['http://example.com/x.tar', false],
  ['https://example.com/x?file=a.git', false],
  ['git@example.com:a/b', true],
  ['user@host.example:a/b.git#v1', true],
  ['ssh://git@example.com/a', true],
  ['git://example.com/a', true],
  ['github.com/a/b', true],
  ['./github.com/a/b', false],
  ['a/b', false],
  ['-', false],
])('isGitUrl(%j) is %j', (text, expected) => {
  expect(isGitUrl(text)).toBe(expected)
})

test.each([
  ['base', 'base'],
  ['base:latest', 'base'],
  ['docker.io/library/base', 'base'],
  ['docker.io/me/base:1', 'me/base:1'],
  ['base:latest::linux/arm64', 'base::linux/arm64'],
])('contextKey(%j)', (name, key) => {
  expect(contextKey(name)).toBe(key)
})
