import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('NoEmptyContinuation', text)

test('an empty line inside of an instruction is shown at its last line', () => {
  expect(find('FROM scratch\nCOPY a \\\n\n\n  b \\\n  /\n')).toEqual(['6: Empty continuation line'])
  expect(find('FROM scratch\nRUN a \\\n \t\n  b\nRUN c \\\n\n  d\n')).toHaveLength(2)
})

test('comments may stand there', () => {
  expect(find('FROM scratch\nRUN a \\\n# why\n  # not\n  b\n\nRUN c\n')).toEqual([])
})
