import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('FromAsCasing', text)

test.each([
  ['FROM scratch as a', "'as' and 'FROM' keywords' casing do not match"],
  ['from scratch AS a', "'AS' and 'from' keywords' casing do not match"],
  ['FROM scratch As a', "'As' and 'FROM' keywords' casing do not match"],
])('%s', (line, message) => {
  expect(find(`${line}\n`)).toEqual([`1: ${message}`])
})

test.each(['FROM scratch AS a', 'from scratch as a', 'From scratch as a', 'FROM scratch'])('%s is fine', (line) => {
  expect(find(`${line}\n`)).toEqual([])
})
