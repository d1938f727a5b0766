import { expect, test } from 'vitest'
import { found, lintText } from '../fixture.suite.ts'

const find = (text: string): string[] => found('ExposeInvalidFormat', `FROM scratch\n${text}\n`)
const message = (port: string): string =>
  `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`

test('an address or a host port', () => {
  expect(find('EXPOSE 8080:80 127.0.0.1:81:81 [::1]::82 83')).toEqual([
    `2: ${message('127.0.0.1:81:81')}`,
    `2: ${message('8080:80')}`,
    `2: ${message('[::1]::82')}`,
  ])
  expect(find('EXPOSE 80 81/udp')).toEqual([])
})

test('each port has its findings together', () => {
  const rules = lintText('FROM scratch\nEXPOSE 1:80 81/TCP\n').map(({ rule }) => rule)
  expect(rules).toEqual(['ExposeInvalidFormat', 'ExposeProtoCasing'])
})
