import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../core/index.ts'
import {
  familiarReference,
  formatReference,
  type ImageReference,
  parseReference,
  repositoryOf,
  withDefaultTag,
} from './reference.ts'

const sha256 = `sha256:${'0a'.repeat(32)}` as const
const sha512 = `sha512:${'0a'.repeat(64)}` as const

describe('what a user writes', () => {
  test.each<[string, ImageReference]>([
    ['ubuntu', { domain: 'docker.io', path: 'library/ubuntu' }],
    ['ubuntu:24.04', { domain: 'docker.io', path: 'library/ubuntu', tag: '24.04' }],
    ['library/ubuntu', { domain: 'docker.io', path: 'library/ubuntu' }],
    ['me/app', { domain: 'docker.io', path: 'me/app' }],
    ['me/app/deep', { domain: 'docker.io', path: 'me/app/deep' }],
    ['docker.io/me', { domain: 'docker.io', path: 'library/me' }],
    ['index.docker.io/me', { domain: 'docker.io', path: 'library/me' }],
    ['localhost', { domain: 'docker.io', path: 'library/localhost' }],
    ['localhost/me', { domain: 'localhost', path: 'me' }],
    ['host:5000', { domain: 'docker.io', path: 'library/host', tag: '5000' }],
    ['host:5000/me:5000', { domain: 'host:5000', path: 'me', tag: '5000' }],
    ['ghcr.io/o/r:T_a.g-1', { domain: 'ghcr.io', path: 'o/r', tag: 'T_a.g-1' }],
    ['HOST/me', { domain: 'HOST', path: 'me' }],
    ['[::1]:80/me', { domain: '[::1]:80', path: 'me' }],
    ['[fe80::1]/a/b', { domain: '[fe80::1]', path: 'a/b' }],
    ['a--b/c__d.e_f', { domain: 'docker.io', path: 'a--b/c__d.e_f' }],
    [`x@${sha256}`, { domain: 'docker.io', path: 'library/x', digest: sha256 }],
    [`r.io/x:t@${sha512}`, { domain: 'r.io', path: 'x', tag: 't', digest: sha512 }],
    [`r.io/${'a'.repeat(255)}`, { domain: 'r.io', path: 'a'.repeat(255) }],
    [`x:${'t'.repeat(128)}`, { domain: 'docker.io', path: 'library/x', tag: 't'.repeat(128) }],
  ])('%s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected)
  })
})

describe('what is refused', () => {
  test.each([
    ['', 'invalid reference format'],
    ['/', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['a/', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a___b', 'invalid reference format'],
    ['a..b/c', 'invalid reference format'],
    ['a:', 'invalid reference format'],
    ['a:-x', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['a\n', 'invalid reference format'],
    ['http://x/y', 'invalid reference format'],
    ['[::1]', 'invalid reference format'],
    ['[::1%eth0]/a', 'invalid reference format'],
    [`a:${'t'.repeat(129)}`, 'invalid reference format'],
    ['a@sha256:00', 'invalid reference format'],
    ['App', 'invalid reference format: repository name (library/App) must be lowercase'],
    ['me/App:x', 'invalid reference format: repository name (me/App) must be lowercase'],
    ['HOST/App', 'invalid reference format: repository name (App) must be lowercase'],
    [`r.io/${'a'.repeat(256)}`, 'repository name must not be more than 255 characters'],
    [`a@sha256:${'0'.repeat(63)}`, 'invalid checksum digest length'],
    [`a@sha256:${'F'.repeat(64)}`, 'invalid checksum digest format'],
    [`a:b@SHA256:${'0'.repeat(64)}`, 'invalid checksum digest format'],
    [`a@md5:${'0'.repeat(32)}`, 'unsupported digest algorithm'],
    ['0a'.repeat(32), `invalid repository name (${'0a'.repeat(32)}), cannot specify 64-byte hexadecimal strings`],
  ])('%j', (text, message) => {
    const parse = () => parseReference(text)
    expect(parse).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID', message }))
  })
})

test.each([
  ['docker.io/library/ubuntu:1', 'ubuntu:1'],
  ['docker.io/me/app', 'me/app'],
  ['docker.io/library/a/b', 'library/a/b'],
  ['r.io/library/ubuntu', 'r.io/library/ubuntu'],
  [`index.docker.io/ubuntu@${sha256}`, `ubuntu@${sha256}`],
])('%s is shown as %s', (text, shown) => {
  expect(familiarReference(parseReference(text))).toBe(shown)
})

test('the default tag goes only to bare names', () => {
  const tagged = (text: string) => formatReference(withDefaultTag(parseReference(text)))
  expect(tagged('x')).toBe('docker.io/library/x:latest')
  expect(tagged('x:1')).toBe('docker.io/library/x:1')
  expect(tagged(`x@${sha256}`)).toBe(`docker.io/library/x@${sha256}`)
})

test('the repository is the name without tag and digest', () => {
  expect(repositoryOf(parseReference(`r.io:1/a/b:c@${sha256}`))).toBe('r.io:1/a/b')
})

test('any text is a reference or a clean refusal, and both forms come back', () => {
  const part = fc.constantFrom('a', 'A', '-', '.', '_', '/', ':', '@', '[', ']', '0', sha256, 'localhost', 'é', ' ')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      try {
        const reference = parseReference(text)
        expect(parseReference(formatReference(reference))).toEqual(reference)
        expect(parseReference(familiarReference(reference))).toEqual(reference)
      } catch (error) {
        if (!hasCode(error, 'REFERENCE_INVALID')) throw error
      }
    }),
    { numRuns: 2000 },
  )
})

test('long hostile names are decided at once', () => {
  for (const text of [`${'a-'.repeat(200_000)}/x`, `${'a.'.repeat(200_000)}!`, `x/${'a_'.repeat(200_000)}`]) {
    expect(() => parseReference(text)).toThrow('invalid reference format')
  }
})
