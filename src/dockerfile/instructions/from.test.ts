import { expect, test } from 'vitest'
import { parse } from '../parse.ts'
import { parseFrom } from './from.ts'

const from = (text: string) => parseFrom(parse({ name: 'Dockerfile', text }).nodes[0]!)

test.each([
  ['FROM a', 'a', undefined, undefined],
  ['FROM a:$V AS Build-1', 'a:$V', 'Build-1', undefined],
  ['FROM --platform=$P a as b', 'a', 'b', '$P'],
])('%s', (text, base, alias, platform) => {
  const instruction = from(text)
  expect([instruction.base.text, instruction.alias?.text, instruction.platform?.text]).toEqual([base, alias, platform])
})

test('the comment above describes the stage', () => {
  expect(from('# other x\n# build makes it\nFROM a AS Build').description).toBe('makes it')
  expect(from('# build makes it\nFROM a').description).toBeUndefined()
})

test.each([
  ['FROM', 'FROM requires either one or three arguments', 1],
  ['FROM a b', 'FROM requires either one or three arguments', 1],
  ['FROM a is b', 'FROM requires either one or three arguments', 1],
  ['FROM --x a b', 'FROM requires either one or three arguments', 1],
  ['FROM a AS 1b', `invalid name for build stage: "1b", name can't start with a number or contain symbols`, 11],
  ['FROM a AS b/c', `invalid name for build stage: "b/c", name can't start with a number or contain symbols`, 11],
  ['FROM --platfrm=x a', 'unknown flag: --platfrm (did you mean platform?)', 6],
])('%s is refused', (text, message, column) => {
  const error = { code: 'DOCKERFILE_INVALID', message, span: expect.objectContaining({ column }) }
  expect(() => from(text)).toThrow(expect.objectContaining(error))
})
