import { describe, expect, test } from 'vitest'
import { textOf } from '../logical-line.ts'
import { parse } from '../parse.ts'
import { parseEnv } from './env.ts'
import { parseLabel } from './label.ts'

describe.each([
  ['ENV', parseEnv],
  ['LABEL', parseLabel],
] as const)('%s', (keyword, understand) => {
  const pairs = (text: string) => understand(parse({ name: 'Dockerfile', text: `${keyword} ${text}` }).nodes[0]!).pairs

  test.each([
    [
      'a=b "c d"=e',
      [
        ['a', 'b', false],
        ['"c d"', 'e', false],
      ],
    ],
    ['a=', [['a', '', false]]],
    ['a=b=c', [['a', 'b=c', false]]],
    ['a  b  c', [['a', 'b  c', true]]],
  ])('%s', (text, expected) => {
    expect(pairs(text).map(({ key, value, legacy }) => [key.text, value.text, legacy])).toEqual(expected)
  })

  test('places are those of the words, over lines too', () => {
    const [first, second] = pairs('a=b\\\nc \\\n  d="e f"')
    expect([textOf(first!.value.span), textOf(second!.key.span), textOf(second!.value.span)]).toEqual([
      'b\\\nc',
      'd',
      '"e f"',
    ])
  })

  test.each([
    ['', `${keyword} requires at least one argument`],
    ['=x', `${keyword} names can not be blank`],
    ['--x a=b', 'unknown flag: --x'],
    ['--x', 'unknown flag: --x'],
  ])('%j is refused', (text, message) => {
    expect(() => pairs(text)).toThrow(message)
  })
})
