import { expect, test } from 'vitest'
import { isLoopback, proxyFor } from './proxy.ts'

const env = {
  HTTPS_PROXY: 'https://p:1',
  http_proxy: 'p:2',
  NO_PROXY: 'a.com, .b.com,*.c.com,10.0.0.0/8,1.2.3.4,d.com:8443,[fd00::1]:1',
}

test.each<[string, string | undefined]>([
  ['https://x.org/v2/', 'https://p:1'],
  ['http://x.org/v2/', 'http://p:2'],
  ['https://a.com', undefined],
  ['https://A.com', undefined],
  ['https://sub.a.com', undefined],
  ['https://nota.com', 'https://p:1'],
  ['https://b.com', 'https://p:1'],
  ['https://sub.b.com', undefined],
  ['https://c.com', 'https://p:1'],
  ['https://sub.c.com', undefined],
  ['https://10.9.8.7', undefined],
  ['https://11.9.8.7', 'https://p:1'],
  ['https://1.2.3.4:5000', undefined],
  ['https://d.com', 'https://p:1'],
  ['https://d.com:8443', undefined],
  ['https://[fd00::1]:1', undefined],
  ['https://[fd00::1]:2', 'https://p:1'],
  ['https://localhost:5000', undefined],
  ['http://127.1.2.3', undefined],
  ['http://[::1]:5000', undefined],
])('%s goes by %s', (url, proxy) => {
  expect(proxyFor(new URL(url), env)).toBe(proxy)
})

test('nothing goes by a proxy when none is named, or all hosts are excepted', () => {
  expect(proxyFor(new URL('https://x.org'), {})).toBeUndefined()
  expect(proxyFor(new URL('https://x.org'), { ...env, NO_PROXY: '*' })).toBeUndefined()
  expect(proxyFor(new URL('https://10.1.1.1'), { ...env, NO_PROXY: '10.0.0.0/99,x/8,/' })).toBe('https://p:1')
})

test('this machine is known by its names', () => {
  expect(['localhost', '127.0.0.1', '::1', 'localhost.example', '128.0.0.1'].map(isLoopback)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
})

test.each(['http://[', 'ftp://proxy.example.com', 'me:secret@'])('a proxy cannot be %s', (proxy) => {
  const url = new URL('https://registry.example.com/v2/')
  expect(() => proxyFor(url, { HTTPS_PROXY: proxy })).toThrow(
    expect.objectContaining({ code: 'REGISTRY_CONFIG_INVALID', message: expect.not.stringContaining('secret') }),
  )
})
