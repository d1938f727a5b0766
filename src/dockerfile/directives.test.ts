import { expect, test } from 'vitest'
import { detectSyntax } from './directives.ts'

test.each([
  ['# syntax=docker/dockerfile:1\nFROM x', 'docker/dockerfile:1'],
  ['#check=skip=all\n#SYNTAX = a b c\nFROM x', 'a'],
  ['\ufeff#syntax=a', 'a'],
  ['#!/usr/bin/env slipway\n#syntax=a', 'a'],
  ['// syntax=a\n', 'a'],
  ['//escape=`\n//syntax=a\n', 'a'],
  ['{"syntax": "a"}', 'a'],
  ['FROM x\n#syntax=a', undefined],
  ['# hello\n#syntax=a', undefined],
  ['{"syntax": 1}', undefined],
  ['{"syntax": ', undefined],
  ['', undefined],
])('%j asks for %s', (text, frontend) => {
  expect(detectSyntax(text)).toBe(frontend)
})

test('a long line of blanks is read at once', () => {
  expect(detectSyntax(`#syntax=a${' '.repeat(500_000)}b`)).toBe('a')
})
