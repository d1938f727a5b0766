import { expect, test } from 'vitest'
import { didYouMean, didYouMeanName } from './suggest.ts'

const keywords = ['add', 'arg', 'copy', 'run', 'workdir']

test.each([
  ['FRUN', ' (did you mean RUN?)'],
  ['rnu', ' (did you mean run?)'],
  ['Workdirr', ' (did you mean workdir?)'],
  ['ARD', ' (did you mean ADD?)'],
  ['WORKxxx', ''],
  ['run', ''],
  ['', ''],
])('%s%s', (name, suggestion) => {
  expect(didYouMeanName(name, keywords)).toBe(suggestion)
})

test('case counts where names have one', () => {
  expect(didYouMean('RUN', ['run'])).toBe('')
  expect(didYouMean('from', ['chown', 'form'])).toBe(' (did you mean form?)')
})

test('a long word is not compared letter by letter', () => {
  expect(didYouMean('x'.repeat(1_000_000), keywords)).toBe('')
})
