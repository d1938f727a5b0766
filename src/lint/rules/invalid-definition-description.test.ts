import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('InvalidDefinitionDescription', text)

test('a comment above ARG or a named FROM begins with its name', () => {
  const text = `# the version
ARG version=1
# Base in capitals
FROM scratch AS Base
# several
ARG a=1 b=2
`
  expect(find(text)).toEqual([
    '2: Comment for ARG should follow the format: `# version <description>`',
    '4: Comment for FROM should follow the format: `# base <description>`',
    '6: Comment for ARG should follow the format: `# <arg_key> <description>`',
  ])
})

test('the last line counts; an empty comment line parts', () => {
  const text = `# some words
# version is what to install
ARG version=1
# b is the second
ARG a=1 b=2
# License: none
#
FROM scratch AS base
# anything
RUN x
# anything
FROM scratch
`
  expect(find(text)).toEqual([])
})

test('it is off unless asked for', () => {
  expect(found('InvalidDefinitionDescription', '# check=error=false\n# x\nARG version=1\nFROM scratch\n')).toEqual([])
})
