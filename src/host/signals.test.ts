import { execFileSync } from 'node:child_process'
import os from 'node:os'
import { expect, test } from 'vitest'
import { parseSignal, signalNumber } from './index.ts'

test.each([
  ['SIGTERM', 15],
  ['TERM', 15],
  ['term', 15],
  ['sigkill', 9],
  ['9', 9],
  ['1', 1],
  ['64', 64],
  ['SIGRTMIN', 34],
  ['RTMIN+3', 37],
  ['SIGRTMAX', 64],
  ['RTMAX-14', 50],
])('%s is %i', (text, number) => {
  expect(parseSignal(text)).toBe(number)
})

test.each([
  '',
  '0',
  '65',
  '-9',
  '1.5',
  'SIG',
  'SIGNOPE',
  'SIGSIGTERM',
  'RTMIN+31',
  'RTMAX+1',
  'RTMIN-1',
  'TERM\n',
  '٩',
])('%j is no signal', (text) => {
  expect(parseSignal(text)).toBeUndefined()
})

test('every name that kill(1) lists', () => {
  const listed = execFileSync('/bin/bash', ['-c', 'kill -l'], { encoding: 'utf8' }).matchAll(
    /(\d+)\) (SIG[A-Z0-9+-]+)/g,
  )
  const pairs = [...listed].map(([, number, name]) => [name!, Number(number)] as const)
  expect(pairs.length).toBeGreaterThan(60)
  expect(pairs.map(([name]) => [name, parseSignal(name)])).toEqual(pairs)
})

test('the number of what Node reports', () => {
  expect(signalNumber(null)).toBe(0)
  for (const name of Object.keys(os.constants.signals) as NodeJS.Signals[]) {
    expect(signalNumber(name)).toBe(os.constants.signals[name])
    expect(parseSignal(name)).toBe(os.constants.signals[name])
  }
})
