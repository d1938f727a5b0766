import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (platform: string): string[] => found('InvalidBaseImagePlatform', 'FROM busybox\n', { platform })

test('a base for another architecture or system', () => {
  expect(find('linux/arm64')).toEqual([
    '1: Base image busybox was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
  ])
  expect(find('windows/amd64')).toHaveLength(1)
})

test('the variant does not count', () => {
  expect(find('linux/amd64/v2')).toEqual([])
})
