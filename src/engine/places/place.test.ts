import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Place, parsePlace } from './place.ts'

const DIGEST = `sha256:${'ab'.repeat(32)}` as const

describe('places', () => {
  test.each<[string, Place]>([
    ['busybox', { kind: 'store', name: 'busybox' }],
    ['localhost:5000/app:1', { kind: 'store', name: 'localhost:5000/app:1' }],
    ['store:oci:1', { kind: 'store', name: 'oci:1' }],
    ['docker:dind', { kind: 'store', name: 'docker:dind' }],
    ['dir:/srv/a:b', { kind: 'directory', path: '/srv/a:b' }],
    ['dir:../out', { kind: 'directory', path: '../out' }],
    ['oci:/srv/images', { kind: 'oci-layout', path: '/srv/images' }],
    ['oci:images:', { kind: 'oci-layout', path: 'images' }],
    ['oci:images:1.0', { kind: 'oci-layout', path: 'images', name: '1.0' }],
    ['oci:images:app:1.0', { kind: 'oci-layout', path: 'images', name: 'app:1.0' }],
    ['oci:images:host:5000/a/b_c:1_x', { kind: 'oci-layout', path: 'images', name: 'host:5000/a/b_c:1_x' }],
    ['oci:images:@3', { kind: 'oci-layout', path: 'images', index: 3 }],
    ['oci-archive:a.tar:v1', { kind: 'oci-archive', path: 'a.tar', name: 'v1' }],
    ['docker-archive:a.tar', { kind: 'docker-archive', path: 'a.tar' }],
    ['docker-archive:a.tar:app', { kind: 'docker-archive', path: 'a.tar', name: 'docker.io/library/app:latest' }],
    ['docker-archive:a.tar:@0', { kind: 'docker-archive', path: 'a.tar', index: 0 }],
    ['docker://app', { kind: 'registry', reference: { domain: 'docker.io', path: 'library/app', tag: 'latest' } }],
    [`docker://h:1/app@${DIGEST}`, { kind: 'registry', reference: { domain: 'h:1', path: 'app', digest: DIGEST } }],
  ])('%s', (text, place) => {
    expect(parsePlace(text)).toEqual(place)
  })

  test.each([
    ['oci:', 'PLACE_INVALID', 'it has no path'],
    ['oci::tag', 'PLACE_INVALID', 'it has no path'],
    ['dir:', 'PLACE_INVALID', 'it has no path'],
    ['dir:a\0b', 'PLACE_INVALID', 'zero byte'],
    ['', 'PLACE_INVALID', 'it names no image'],
    ['store:', 'PLACE_INVALID', 'it names no image'],
    ['oci:x:a b', 'PLACE_INVALID', 'invalid image a b'],
    ['oci:x:@one', 'PLACE_INVALID', 'invalid source index @one'],
    ['oci:x:@-1', 'PLACE_INVALID', 'invalid source index @-1'],
    [`docker-archive:x:app@${DIGEST}`, 'PLACE_INVALID', 'reference does not include a tag'],
    ['docker:/app', 'PLACE_INVALID', 'docker: image reference /app does not start with //'],
    ['docker://APP', 'REFERENCE_INVALID', 'must be lowercase'],
    ['containers-storage:app', 'PLACE_UNSUPPORTED', 'unknown transport "containers-storage"'],
    ['docker-daemon:app:1', 'PLACE_UNSUPPORTED', 'unknown transport "docker-daemon"'],
    ['https://example.com/app', 'PLACE_UNSUPPORTED', 'unknown transport "https"'],
  ])('%s is none', (text, code, words) => {
    expect(() => parsePlace(text)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }))
  })

  test('text of any kind is a place or an error that can be read', () => {
    const parts = ['oci', 'dir', 'docker', 'docker-archive', ':', '/', '@', 'a', 'A', '..', ' ', '\0', '0', '__proto__']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 8 }), (words) => {
        try {
          expect(parsePlace(words.join('')).kind).not.toBe('')
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(PLACE|REFERENCE)_/) })
        }
      }),
    )
  })
})
