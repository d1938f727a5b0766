import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { RULES, rulesAbout } from './rules.ts'

const slugOf = (name: string): string =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1-$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()

test('every check of BuildKit is there, once', () => {
  expect(RULES).toHaveLength(22)
  expect(new Set(RULES.map(({ name }) => name)).size).toBe(22)
})

test.each(RULES.map((rule) => [rule.name, rule] as const))('%s has its file and its page by its name', (name, rule) => {
  const file = path.join(import.meta.dirname, 'rules', `${slugOf(name)}.ts`)
  expect(existsSync(file)).toBe(true)
  expect(existsSync(file.replace('.ts', '.test.ts'))).toBe(true)
  expect(existsSync(path.join(import.meta.dirname, '../../docs/rules', `${name}.md`))).toBe(true)
  if (rule.url !== undefined) expect(rule.url).toBe(`https://docs.docker.com/go/dockerfile/rule/${slugOf(name)}/`)
})

test('a rule is asked about one kind of thing', () => {
  const kinds = ['text', 'node', 'stage', 'file', 'from', 'base', 'step'] as const
  expect(kinds.flatMap((kind) => [...rulesAbout(kind)])).toEqual(RULES)
})
