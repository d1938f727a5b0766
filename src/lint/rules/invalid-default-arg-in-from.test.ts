import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string, buildArgs = {}): string[] => found('InvalidDefaultArgInFrom', text, { buildArgs })
const message = (base: string): string => `Default value for ARG ${base} results in empty or invalid base image name`

test('a base that is no name without build arguments, whether they are given or not', () => {
  const text = 'ARG TAG\nARG NAME=busybox\nFROM busybox:$TAG\nFROM $NAME\nFROM $TAG\nFROM ${TAG:-busybox}\n'
  const wanted = [`3: ${message('busybox:$TAG')}`, `5: ${message('$TAG')}`]
  expect(find(text)).toEqual(wanted)
  expect(find(text, { TAG: '1.36' })).toEqual(wanted)
})

test('stages and scratch are names', () => {
  expect(find('ARG BASE=one\nFROM scratch AS one\nFROM $BASE\n')).toEqual([])
})

test('what cannot be read is for the build to refuse', () => {
  expect(find('FROM ${X\nFROM busybox:\n')).toEqual([])
})
