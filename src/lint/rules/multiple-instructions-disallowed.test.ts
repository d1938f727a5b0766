import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('MultipleInstructionsDisallowed', text)
const message = (keyword: string): string =>
  `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`

test('all but the last CMD, ENTRYPOINT and HEALTHCHECK are shown', () => {
  const text = `FROM scratch
CMD ["a"]
ENTRYPOINT ["a"]
HEALTHCHECK NONE
CMD ["b"]
cmd ["c"]
ENTRYPOINT ["b"]
HEALTHCHECK CMD a
`
  expect(find(text).sort()).toEqual([
    `2: ${message('CMD')}`,
    `3: ${message('ENTRYPOINT')}`,
    `4: ${message('HEALTHCHECK')}`,
    `5: ${message('cmd')}`,
  ])
})

test('a stage may replace what it begins from', () => {
  expect(find('FROM scratch AS a\nCMD ["a"]\nFROM a\nCMD ["b"]\nRUN x\nRUN y\n')).toEqual([])
})
