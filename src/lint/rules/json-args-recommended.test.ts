import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string, given = {}): string[] => found('JSONArgsRecommended', text, given)
const message = (keyword: string): string =>
  `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`

test('CMD and ENTRYPOINT that a shell runs', () => {
  expect(find('FROM scratch\nCMD a b\nentrypoint c\n')).toEqual([`2: ${message('CMD')}`, `3: ${message('entrypoint')}`])
  expect(find('FROM scratch\nCMD ["a"]\nENTRYPOINT ["b"]\nRUN c\nHEALTHCHECK CMD d\n')).toEqual([])
})

test('whoever says which shell wants one', () => {
  expect(find('FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD a\n')).toEqual([])
  expect(find('FROM base\nCMD a\n', { shell: ['/bin/bash', '-c'] })).toEqual([])
  expect(find('FROM scratch\nCMD a\nSHELL ["/bin/bash", "-c"]\n')).toHaveLength(1)
})
