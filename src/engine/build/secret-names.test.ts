import { expect, test } from 'vitest'
import { parseDockerfile } from '../../dockerfile/index.ts'
import { secretNameWarnings } from './secret-names.ts'

test('names that sound like secrets are pointed at, as docker build does', () => {
  const text = `FROM scratch
ARG TOKEN
ARG A_PASSWORD=x
ARG PUBLIC_KEY
ENV MYSECRET=1 MY_SECRET=2 apikey=3
ENV TOKEN_FILE=1 KEYFILE=2
ONBUILD ENV TOKEN=1
LABEL password=b
`
  const [stage] = parseDockerfile({ name: 'Dockerfile', text }).stages
  const warnings = secretNameWarnings(stage!)
  expect(warnings.map(({ message, span }) => `${message} ${span!.line}`)).toEqual([
    'Do not use ARG or ENV instructions for sensitive data (ARG "TOKEN") 2',
    'Do not use ARG or ENV instructions for sensitive data (ARG "A_PASSWORD") 3',
    'Do not use ARG or ENV instructions for sensitive data (ENV "MY_SECRET") 5',
    'Do not use ARG or ENV instructions for sensitive data (ENV "apikey") 5',
    'Do not use ARG or ENV instructions for sensitive data (ENV "TOKEN_FILE") 6',
  ])
})
