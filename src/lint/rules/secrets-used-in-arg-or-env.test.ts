import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('SecretsUsedInArgOrEnv', `FROM scratch\n${text}\n`)
const message = (what: string): string => `2: Do not use ARG or ENV instructions for sensitive data (${what})`

test.each(['TOKEN', 'A_PASSWORD', 'password', 'apikey', 'GITHUB_TOKEN_X', 'aws_secret_access_key'])('%s', (name) => {
  expect(find(`ARG ${name}`)).toEqual([message(`ARG "${name}"`)])
  expect(find(`ENV ${name}=1`)).toEqual([message(`ENV "${name}"`)])
})

test.each(['MYSECRET', 'PUBLIC_KEY', 'TOKEN_FILE', 'KEY_VERSION', 'KEYFILE', 'TOKENS', 'AUTHOR'])(
  '%s is harmless',
  (name) => {
    expect(find(`ARG ${name}`)).toEqual([])
  },
)

test('names are those after replacement; labels and triggers do not count', () => {
  expect(find('ENV A=TOKEN\nENV $A=1')).toEqual([
    '3: Do not use ARG or ENV instructions for sensitive data (ENV "TOKEN")',
  ])
  expect(find('LABEL password=b\nONBUILD ENV TOKEN=1')).toEqual([])
})

test('arguments before the first FROM get into no image', () => {
  expect(found('SecretsUsedInArgOrEnv', 'ARG TOKEN\nFROM scratch\n')).toEqual([])
})
