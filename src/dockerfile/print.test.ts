import { expect, test } from 'vitest'
import { parse } from './parse.ts'
import { printInstruction, printTrigger } from './print.ts'

const nodeOf = (text: string) => parse({ name: 'Dockerfile', text }).nodes[0]!

test.each([
  ['RUN a \\\n# no\n  b', 'RUN a   b'],
  [' Run --x=y  a  ', 'Run --x=y  a'],
  ['COPY <<A <<-B /\n1\nA\n\t2\n\tB\n', 'COPY <<A <<-B /\n1\nA\n\t2\nB'],
])('%j', (text, printed) => {
  expect(printInstruction(nodeOf(text))).toBe(printed)
})

test.each([
  ['onbuild   RUN  a \\\n b', 'RUN  a  b'],
  ['ONBUILD COPY <<E /\nx\nE', 'COPY <<E /\nx\nE'],
])('the trigger of %j', (text, printed) => {
  expect(printTrigger(nodeOf(text))).toBe(printed)
})
