import { describe, expect, test } from 'vitest'
import { parseChallenges } from './challenge.ts'
import { haveOneOwner, realmOf } from './realm.ts'

describe('one owner', () => {
  test.each([
    ['registry-1.docker.io', 'auth.docker.io'],
    ['docker.io', 'auth.docker.io'],
    ['registry.gitlab.com', 'gitlab.com'],
    ['ghcr.io', 'ghcr.io'],
    ['gcr.io', 'gcr.io'],
    ['Registry.Example.com', 'auth.example.COM.'],
    ['registry.example.co.uk', 'auth.example.co.uk'],
    ['localhost', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '[::1]'],
  ])('have %s and %s', (a, b) => {
    expect(haveOneOwner(a, b)).toBe(true)
    expect(haveOneOwner(b, a)).toBe(true)
  })

  test.each([
    ['registry.example.com', 'example.org'],
    ['registry.example.com', 'notexample.com'],
    ['registry.mine.co.uk', 'auth.yours.co.uk'],
    ['co.uk', 'auth.co.uk'],
    ['localhost', '127.0.0.1'],
    ['registry', 'auth'],
    ['registry.localhost', 'localhost'],
    ['10.0.0.1', '10.1.0.1'],
    ['10.0.0.1', '9.0.0.1'],
    ['[2001:db8::1]', '[2001:db8::2]'],
    ['example.com', 'com'],
    ['a..com', 'b..com'],
  ])('have not %s and %s', (a, b) => {
    expect(haveOneOwner(a, b)).toBe(false)
    expect(haveOneOwner(b, a)).toBe(false)
  })
})

describe('the token server', () => {
  const realm = (text: string, registry = 'https://r.example.com/v2'): string =>
    realmOf(parseChallenges(`Bearer realm="${text}"`)[0]!, new URL(registry)).href

  test('is an address, perhaps of the registry itself, and never holds a password', () => {
    expect(realm('https://me:secret@auth.example.com/token?a=b#c')).toBe('https://auth.example.com/token?a=b')
    expect(realm('/token')).toBe('https://r.example.com/token')
    expect(realm('http://auth.example.com/token', 'http://r.example.com/v2')).toBe('http://auth.example.com/token')
  })

  test.each(['http://auth.example.com/token', 'file:///etc/passwd', 'http://['])('is not %s', (text) => {
    expect(() => realm(text)).toThrow(expect.objectContaining({ code: 'REGISTRY_INVALID_ANSWER' }))
  })
})
