import { expect, test } from 'vitest'
import { parseListenAddress, requireListenAddress } from './listen-address.ts'

test.each([
  ['127.0.0.1:5000', '127.0.0.1', 5000],
  ['localhost:0', 'localhost', 0],
  [':5000', '', 5000],
  ['[::1]:65535', '::1', 65535],
])('%s', (text, host, port) => expect(parseListenAddress(text)).toEqual({ host, port }))

test.each([
  '',
  '5000',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '::1:5000',
  '[::1]',
  'a:b:1',
  'a:-1',
  'http://a:1',
])('no address: %j', (text) => {
  expect(() => requireListenAddress(text)).toThrow(
    expect.objectContaining({ code: 'REGISTRY_CONFIG_INVALID', hint: expect.stringContaining('127.0.0.1:5000') }),
  )
})
