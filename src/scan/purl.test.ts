import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packageUrl } from './purl.ts'

// from the examples of purl-spec's PURL-TYPES
test.each([
  [
    {
      type: 'deb',
      namespace: 'debian',
      name: 'curl',
      version: '7.50.3-1',
      qualifiers: { distro: 'jessie', arch: 'i386' },
    },
    'pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie',
  ],
  [
    { type: 'apk', namespace: 'alpine', name: 'curl', version: '7.83.0-r0', qualifiers: { arch: 'x86' } },
    'pkg:apk/alpine/curl@7.83.0-r0?arch=x86',
  ],
  [{ type: 'npm', namespace: '@angular', name: 'animation', version: '12.3.1' }, 'pkg:npm/%40angular/animation@12.3.1'],
  [{ type: 'npm', name: 'foobar', version: '12.3.1' }, 'pkg:npm/foobar@12.3.1'],
  [{ type: 'pypi', name: 'Django_REST', version: '1.11.1' }, 'pkg:pypi/django-rest@1.11.1'],
  [
    { type: 'docker', namespace: 'customer', name: 'dockerimage', version: 'sha256:244fd47e07d1004f0aed9c' },
    'pkg:docker/customer/dockerimage@sha256:244fd47e07d1004f0aed9c',
  ],
  [
    { type: 'deb', namespace: 'debian', name: 'LibStdC++6', version: '1:2.0+dfsg~1' },
    'pkg:deb/debian/libstdc%2B%2B6@1:2.0%2Bdfsg~1',
  ],
  [
    { type: 'docker', name: 'x', qualifiers: { platform: 'linux/amd64', none: undefined, empty: '' } },
    'pkg:docker/x?platform=linux%2Famd64',
  ],
])('%o', (parts, expected) => {
  expect(packageUrl(parts)).toBe(expected)
})

test('no part of a name can pass for another part', () => {
  const text = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), minLength: 1 })
  fc.assert(
    fc.property(text, text, text, (name, version, value) => {
      const url = packageUrl({ type: 'generic', name, version, qualifiers: { key: value } })
      expect(url).toMatch(/^pkg:generic\/[A-Za-z0-9._~%:-]+@[A-Za-z0-9._~%:-]+\?key=[A-Za-z0-9._~%:-]+$/)
    }),
  )
})
