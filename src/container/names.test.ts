import { expect, test } from 'vitest'
import { randomName } from './names.ts'

test('a name is one that a container may have, and two words', () => {
  for (let i = 0; i < 500; i++) expect(randomName()).toMatch(/^[a-z]+_[a-z]+$/)
})

test('a second try has a digit', () => {
  for (let i = 0; i < 100; i++) expect(randomName(1)).toMatch(/^[a-z]+_[a-z]+\d$/)
})

test('names differ', () => {
  const names = Array.from({ length: 200 }, () => randomName())
  expect(new Set(names).size).toBeGreaterThan(150)
})
