import { expect, test } from 'vitest'
import { parseFields } from './fields.ts'

const refuse = (problem: string): Error => new Error(`no: ${problem}`)

test('a value is names and values, and parts without a value', () => {
  expect(parseFields('type=local, Dest =a=b,"with=one, two",alone', refuse)).toEqual([
    { text: 'type=local', key: 'type', value: 'local' },
    { text: ' Dest =a=b', key: 'Dest', value: 'a=b' },
    { text: 'with=one, two', key: 'with', value: 'one, two' },
    { text: 'alone', key: 'alone' },
  ])
})

test.each(['', 'a="', '"a'])('%j is refused', (line) => {
  expect(() => parseFields(line, refuse)).toThrow(/^no: /)
})
