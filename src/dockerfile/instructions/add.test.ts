import { expect, test } from 'vitest'
import { parse } from '../parse.ts'
import { parseAdd } from './add.ts'

const add = (text: string) => parseAdd(parse({ name: 'Dockerfile', text }).nodes[0]!)

test('flags', () => {
  const text = 'ADD --chown=a --chmod=1 --checksum=sha256:x --link --keep-git-dir --unpack=false --exclude=*.c b /c'
  const { chown, chmod, checksum, link, keepGitDir, unpack, excludes } = add(text)
  expect([chown, chmod, checksum, ...excludes].map((token) => token?.text)).toEqual(['a', '1', 'sha256:x', '*.c'])
  expect({ link, keepGitDir, unpack }).toEqual({ link: true, keepGitDir: true, unpack: false })
})

test('what is not said is absent', () => {
  const instruction = add('ADD https://x/y.tar /')
  expect(instruction).not.toHaveProperty('unpack')
  expect(instruction).not.toHaveProperty('keepGitDir')
  expect(instruction.link).toBe(false)
})

test.each([
  ['ADD a', 'ADD requires at least two arguments'],
  ['ADD <<A <<B\nA\nB', 'ADD cannot accept a heredoc as a destination'],
  ['ADD --from=x a b', 'unknown flag: --from'],
  ['ADD --parents a b', 'unknown flag: --parents'],
  ['ADD --checksm=x a b', 'unknown flag: --checksm (did you mean checksum?)'],
])('%j is refused', (text, message) => {
  expect(() => add(text)).toThrow(message)
})
