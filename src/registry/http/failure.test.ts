import { expect, test } from 'vitest'
import { connectionFailure } from './failure.ts'

const url = new URL('https://h.example.com/v2/?token=secret')
const failureOf = (code: string, message = 'text') =>
  connectionFailure(Object.assign(new Error(message), { code }), 'GET', url)

test.each([
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'certificate required'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'bad certificate'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'handshake failure'],
])('a server that refuses us by %s speaks TLS, and will not think better of it', (code, words) => {
  expect(failureOf(code)).toMatchObject({
    message: `Get "https://h.example.com/v2/": remote error: tls: ${words}`,
    isBeforeAnswer: false,
    isPassing: false,
  })
})

test.each([
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'http: server gave HTTP response to HTTPS client', true, false],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'x509: certificate signed by unknown authority', true, false],
  ['ECONNRESET', 'connection reset by peer', true, true],
  ['ENOTFOUND', 'dial tcp: lookup h.example.com: no such host', true, false],
  ['UND_ERR_SOCKET', 'unexpected EOF', false, true],
  ['UND_ERR_BODY_TIMEOUT', 'the registry fell silent', false, true],
])('%s is told in the words of Go', (code, words, isBeforeAnswer, isPassing) => {
  const failure = failureOf(code)
  expect(failure).toMatchObject({ isBeforeAnswer, isPassing })
  expect(failure.message).toContain(words)
  expect(failure.message).not.toContain('secret')
})
