import { expect, test } from 'vitest'
import { scanOf } from './fixture.suite.ts'
import { parseOsRelease } from './os-release.ts'

test.each([
  ['ID=arch\n', { id: 'arch' }],
  ['ID="ubuntu"\r\nVERSION_ID=\'24.04\'\r\n', { id: 'ubuntu', version: '24.04' }],
  ['# ID=no\nID=x\nPRETTY_NAME="a \\"b\\""\n', { id: 'x', prettyName: 'a "b"' }],
  ['NAME=Nothing\n', undefined],
  ['ID=../../x\n', undefined],
])('%j', (text, expected) => {
  expect(parseOsRelease(text)).toEqual(expected)
})

test('the file below /usr counts when there is none in /etc', async () => {
  expect((await scanOf({ 'usr/lib/os-release': 'ID=debian\n' })).distribution).toEqual({ id: 'debian' })
})
