import { describe, expect, test } from 'vitest'
import { secretValues, soundsSecret } from './secret-values.ts'

describe('names that sound like secrets', () => {
  test.each(['TOKEN', 'npm_token', 'API_KEY', 'APIKEY', 'DB_PASSWORD', 'AUTH', 'MY_SECRET_2', 'CREDENTIALS'])(
    '%s',
    (name) => expect(soundsSecret(name)).toBe(true),
  )
  test.each(['PATH', 'MONKEY', 'KEYBOARD', 'AUTHOR', 'PUBLIC_KEY', 'TOKENIZER'])('not %s', (name) =>
    expect(soundsSecret(name)).toBe(false),
  )
})

test('the values of build arguments with such names', () => {
  expect(secretValues({ PATH: 'a', DB_PASSWORD: 'b', TOKEN: 'c' })).toEqual(['b', 'c'])
  expect(secretValues()).toEqual([])
})
