import { expect, test } from 'vitest'
import { textOf } from '../logical-line.ts'
import { parse } from '../parse.ts'
import { parseArg } from './arg.ts'

const arg = (text: string) => parseArg(parse({ name: 'Dockerfile', text }).nodes[0]!).declarations

test('names, defaults and their places', () => {
  const declarations = arg('ARG a b= c="x y" \\\n d=$a=1')
  expect(declarations.map(({ name, value }) => [name.text, value?.text])).toEqual([
    ['a', undefined],
    ['b', ''],
    ['c', '"x y"'],
    ['d', '$a=1'],
  ])
  expect(declarations.map(({ value }) => value && textOf(value.span))).toEqual([undefined, '', '"x y"', '$a=1'])
})

test('comments above describe', () => {
  const declarations = arg('# a is first\n# c is third\n# c again\nARG a b c')
  expect(declarations.map(({ description }) => description)).toEqual(['is first', undefined, 'is third'])
})

test.each([
  ['ARG', 'ARG requires at least one argument'],
  ['ARG --x', 'ARG requires at least one argument'],
  ['ARG a =b', 'ARG names can not be blank'],
])('%s is refused', (text, message) => {
  expect(() => arg(text)).toThrow(message)
})
