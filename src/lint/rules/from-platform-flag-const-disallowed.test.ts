import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('FromPlatformFlagConstDisallowed', text)

test('a constant platform', () => {
  expect(find('FROM --platform=linux/amd64 scratch\nFROM --platform="linux/arm64" scratch AS app\n')).toEqual([
    '1: FROM --platform flag should not use constant value "linux/amd64"',
    '2: FROM --platform flag should not use constant value "linux/arm64"',
  ])
})

test.each([
  '--platform=linux/amd64 scratch AS build-amd64',
  '--platform=linux/amd64 scratch AS linux',
  '--platform=$BUILDPLATFORM scratch',
  '--platform=linux/$NO scratch',
  '--platform=nonsense scratch',
  'scratch',
])('FROM %s is fine', (rest) => {
  expect(find(`FROM ${rest}\n`)).toEqual([])
})
