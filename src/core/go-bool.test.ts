import { expect, test } from 'vitest'
import { notGoBool, parseGoBool } from './go-bool.ts'

test('truths are what Go takes for them, and nothing else', () => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) expect(parseGoBool(text)).toBe(true)
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) expect(parseGoBool(text)).toBe(false)
  for (const text of ['', 'yes', 'tRUE', ' true', '2']) expect(parseGoBool(text)).toBeUndefined()
  expect(notGoBool('yes')).toBe('strconv.ParseBool: parsing "yes": invalid syntax')
})
