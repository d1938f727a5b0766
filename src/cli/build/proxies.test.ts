import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { proxyArguments } from './proxies.ts'

const home = mkdtempSync(path.join(os.tmpdir(), 'slipway-proxies-'))
afterAll(() => rmSync(home, { recursive: true }))

function withConfig(text: string): Record<string, string> {
  mkdirSync(path.join(home, '.docker'), { recursive: true })
  writeFileSync(path.join(home, '.docker/config.json'), text)
  return proxyArguments({ HOME: home })
}

test('the proxies of the Docker configuration become build arguments, in both cases', () => {
  const proxies = { default: { httpProxy: 'http://p:1', noProxy: 'localhost', ftpProxy: '' } }
  expect(withConfig(JSON.stringify({ proxies }))).toEqual({
    HTTP_PROXY: 'http://p:1',
    http_proxy: 'http://p:1',
    NO_PROXY: 'localhost',
    no_proxy: 'localhost',
  })
})

test('DOCKER_CONFIG is another place for the file', () => {
  withConfig(JSON.stringify({ proxies: { default: { allProxy: 'socks5://p' } } }))
  const env = { HOME: '/nowhere', DOCKER_CONFIG: path.join(home, '.docker') }
  expect(proxyArguments(env)).toEqual({ ALL_PROXY: 'socks5://p', all_proxy: 'socks5://p' })
})

test.each(['', '[]', '{', '{"proxies":[]}', '{"proxies":{"default":null}}', '{"proxies":{"default":{"httpProxy":1}}}'])(
  'a configuration %j says nothing',
  (text) => {
    expect(withConfig(text)).toEqual({})
  },
)

test('no file, no home: nothing', () => {
  expect(proxyArguments({ HOME: '/nowhere' })).toEqual({})
  expect(proxyArguments({})).toEqual({})
})
