import { expect, test } from 'vitest'
import { textOf } from '../logical-line.ts'
import { parse } from '../parse.ts'
import { parseFlags } from './flags.ts'

const TYPES = { name: 'string', link: 'boolean', item: 'list' } as const
const flags = (text: string) => parseFlags(parse({ name: 'Dockerfile', text: `RUN ${text}` }).nodes[0]!, TYPES)

test('absent, once and several times', () => {
  expect(flags('x')).toEqual({ item: [] })
  const { name, link, item } = flags('--item=a --link --name="b c" --item= x')
  expect([name?.text, link, item.map(({ text }) => text)]).toEqual(['b c', true, ['a', '']])
})

test('the place of a value is behind the equals sign', () => {
  expect(textOf(flags('--name="b c" x').name!.span)).toBe('"b c"')
})

test.each([
  ['--link', true],
  ['--link=TRUE', true],
  ['--link=False', false],
])('%s', (text, value) => {
  expect(flags(text).link).toBe(value)
})

test.each([
  ['--nam=x', 'unknown flag: --nam (did you mean name?)'],
  ['--NAME=x', 'unknown flag: --NAME'],
  ['--constructor=x', 'unknown flag: --constructor'],
  ['--=x', 'unknown flag: --'],
  ['--name', 'missing a value on flag: --name'],
  ['--item', 'missing a value on flag: --item'],
  ['--link=', 'missing a value on flag: --link'],
  ['--link=yes', 'expecting boolean value for flag --link, not: yes'],
  ['--name=a --name=b', 'duplicate flag specified: --name'],
  ['--link --link=false', 'duplicate flag specified: --link'],
])('%s is refused', (text, message) => {
  expect(() => flags(text)).toThrow(expect.objectContaining({ code: 'DOCKERFILE_INVALID', message }))
})
