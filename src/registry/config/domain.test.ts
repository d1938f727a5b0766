import { describe, expect, test } from 'vitest'
import {
  authKeyName,
  credentialKey,
  credentialNames,
  hostnameOf,
  hostOf,
  isLoopback,
  isServerAddress,
  registryOfServer,
  serverOf,
} from './domain.ts'

test.each([
  ['https://index.docker.io/v1/', 'docker.io'],
  ['index.docker.io', 'docker.io'],
  ['docker.io', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
  ['docker.io/vendor', 'docker.io/vendor'],
  ['http://127.0.0.1:8080/v1/', '127.0.0.1:8080'],
  ['https://host.example.com/v2/team', 'host.example.com'],
  ['host.example.com/team/app', 'host.example.com/team/app'],
  ['host.example.com/', 'host.example.com'],
  ['ftp://host', 'ftp://host'],
  ['', ''],
])('the key %j of config.json stands for %j', (key, name) => {
  expect(authKeyName(key)).toBe(name)
})

test('credentials may be kept for a repository, for what is above it, or for the registry', () => {
  expect(credentialNames('h:5000', 'a/b')).toEqual(['h:5000/a/b', 'h:5000/a', 'h:5000'])
  expect(credentialNames('index.docker.io')).toEqual(['docker.io'])
})

test('Docker Hub has a key and a server of its own', () => {
  expect(credentialKey('docker.io')).toBe('https://index.docker.io/v1/')
  expect(serverOf('docker.io')).toBe('registry-1.docker.io')
  expect([credentialKey('h:5000'), serverOf('h:5000')]).toEqual(['h:5000', 'h:5000'])
})

describe('isLoopback', () => {
  test.each([
    'localhost',
    'localhost:5000',
    'reg.localhost:1',
    '127.0.0.1',
    '127.9.9.9:80',
    '[::1]:5000',
    '[::1]',
    '::1',
  ])('%s is this machine', (host) => expect(isLoopback(host)).toBe(true))
  test.each(['128.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', '[::2]:5000', 'docker.io', ''])(
    '%s is not',
    (host) => expect(isLoopback(host)).toBe(false),
  )
})

test('a host is known without its port', () => {
  expect(['h', 'h:5000', '[fe80::1]:5000', '[fe80::1]', '::1'].map(hostnameOf)).toEqual([
    'h',
    'h',
    'fe80::1',
    'fe80::1',
    '::1',
  ])
})

test('the host of an address keeps its port, also 443', () => {
  expect(hostOf('https://h.example.com:443/v2')).toBe('h.example.com:443')
  expect(hostOf('nonsense')).toBe('')
})

test.each([
  ['https://h', true],
  ['http://h:5000/a/b', true],
  ['h', false],
  ['https://', false],
  ['https://u:p@h', false],
  ['https://h?x=1', false],
  ['https://h#x', false],
  ['https://h a', false],
  ['https://h:99999', false],
])('%s as an address of a server: %s', (text, expected) => {
  expect(isServerAddress(text)).toBe(expected)
})

describe('registryOfServer', () => {
  test.each([
    [undefined, 'docker.io'],
    ['', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['http://127.0.0.1:5000/v2/', '127.0.0.1:5000'],
    ['registry', 'registry'],
    ['my_registry.example.com:443/team', 'my_registry.example.com:443'],
    ['[::1]:5000', '[::1]:5000'],
  ])('%j is %s', (server, registry) => expect(registryOfServer(server)).toBe(registry))

  test.each(['a b', '-x', 'user@host', 'http://', '/etc', 'h:port', '__proto__'])('%j is no host', (server) => {
    expect(() => registryOfServer(server)).toThrow(/invalid registry: ".*" is not a host/)
  })
})
