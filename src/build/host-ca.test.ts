import path from 'node:path'
import { expect, test } from 'vitest'
import { contextFolder } from './fixture.suite.ts'
import { findHostCa, HOST_CA_PATH, hostCaEnv } from './host-ca.ts'

test('every program’s variable names the file, but what the image sets stays', () => {
  const env = hostCaEnv(['PATH=/bin', 'SSL_CERT_FILE=/own', 'GIT_SSL_CAINFO='])
  expect(env).toContain(`NODE_EXTRA_CA_CERTS=${HOST_CA_PATH}`)
  expect(env).toContain(`CURL_CA_BUNDLE=${HOST_CA_PATH}`)
  expect(env.filter((pair) => /^(SSL_CERT_FILE|GIT_SSL_CAINFO|PATH)=/.test(pair))).toEqual([])
})

test('the file that this machine is told to use goes first', () => {
  const folder = contextFolder({ 'a.pem': '', 'b.pem': '' })
  const [a, b] = ['a.pem', 'b.pem'].map((name) => path.join(folder, name))
  expect(findHostCa({ SSL_CERT_FILE: a!, NODE_EXTRA_CA_CERTS: b! })).toBe(a)
  expect(findHostCa({ SSL_CERT_FILE: '/nowhere', NODE_EXTRA_CA_CERTS: b! })).toBe(b)
})
