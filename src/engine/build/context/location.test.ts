import { expect, test } from 'vitest'
import { contextKey, mainLocation } from './location.ts'

test.each([
  ['https://example.com/a/b.git', 'git'],
  ['https://example.com/a/b.git#main:sub', 'git'],
  ['http://example.com/x.tar', 'http'],
  ['https://example.com/x?file=a.git', 'http'],
  ['git@example.com:a/b', 'git'],
  ['ssh://git@example.com/a', 'git'],
  ['github.com/a/b', 'git'],
  ['./github.com/a/b', 'folder'],
  ['a/b', 'folder'],
  [import.meta.dirname, 'folder'],
])('%j is a context of kind %s', (text, kind) => {
  expect(mainLocation(text).kind).toBe(kind)
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
