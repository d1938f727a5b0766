import { expect, test } from 'vitest'
import { parseIgnore } from './ignore.ts'
import { textOf } from './logical-line.ts'

const read = (text: string) => parseIgnore({ name: '.dockerignore', text })

test('lines become clean patterns', () => {
  const text = '# no\n  # yes\n\n a \n/b/\n./c/../d\r\n!/e\n! f/ \n!\n/\n../g\nh/**/\n'
  expect(read(text).map(({ text }) => text)).toEqual(['# yes', 'a', 'b', 'd', '!e', '!f', '!', '/', '../g', 'h/**'])
})

test('each pattern knows where it is written', () => {
  const patterns = read('\ufeff a\n\n  !b/ ')
  expect(patterns.map(({ span }) => [span!.line, span!.column, textOf(span!)])).toEqual([
    [1, 3, 'a'],
    [3, 3, '!b/'],
  ])
})

test('an endless line is refused', () => {
  expect(read('x'.repeat(65535))).toHaveLength(1)
  expect(() => read(`a\n${'x'.repeat(65536)}`)).toThrow(
    expect.objectContaining({ code: 'PATTERN_INVALID', span: expect.objectContaining({ line: 2 }) }),
  )
})
