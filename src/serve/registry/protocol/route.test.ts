import { describe, expect, test } from 'vitest'
import { isRepositoryName, isTag, parseRoute } from './route.ts'

const D = `sha256:${'a'.repeat(64)}`

describe('parseRoute', () => {
  test.each([
    ['/v2/', { kind: 'ping' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/v2/_oci/ext/discover', { kind: 'extensions' }],
    ['/v2/a/b/_oci/ext/discover', { kind: 'extensions', repository: 'a/b' }],
    ['/v2/a/tags/list', { kind: 'tags', repository: 'a' }],
    ['/v2/tags/list/tags/list', { kind: 'tags', repository: 'tags/list' }],
    ['/v2/a/manifests/1.0', { kind: 'manifest', repository: 'a', reference: '1.0' }],
    ['/v2/a/blobs/b/manifests/1', { kind: 'manifest', repository: 'a/blobs/b', reference: '1' }],
    ['/v2/a/blobs/uploads/manifests/1', { kind: 'manifest', repository: 'a/blobs/uploads', reference: '1' }],
    ['/v2/a/manifests/b/tags/list', { kind: 'tags', repository: 'a/manifests/b' }],
    [`/v2/a/blobs/${D}`, { kind: 'blob', repository: 'a', reference: D }],
    [`/v2/a/blobs/${D.replace(':', '%3A')}`, { kind: 'blob', repository: 'a', reference: D }],
    ['/v2/a/blobs/uploads', { kind: 'uploads', repository: 'a' }],
    ['/v2/a/blobs/uploads/', { kind: 'uploads', repository: 'a' }],
    ['/v2/blobs/uploads/blobs/uploads/', { kind: 'uploads', repository: 'blobs/uploads' }],
    ['/v2/a/b/blobs/uploads/123', { kind: 'upload', repository: 'a/b', id: '123' }],
    [`/v2/a/referrers/${D}`, { kind: 'referrers', repository: 'a', reference: D }],
  ])('%s', (path, route) => expect(parseRoute(path)).toEqual(route))

  test.each(['/v2/a', '/v2/a/b', '/v2/a/tags', '/v2/a/tags/list/', '/v2/_catalog/'])('%s is nothing', (path) => {
    expect(parseRoute(path)).toBeUndefined()
  })

  test.each(['/v2/A/tags/list', '/v2//tags/list', '/v2/../tags/list', '/v2/a%2/tags/list', '/v2/a%00/manifests/1'])(
    '%s is no name',
    (path) => expect(() => parseRoute(path)).toThrow(expect.objectContaining({ code: 'NAME_INVALID', status: 400 })),
  )
})

test('names of repositories', () => {
  expect(
    ['a', 'a/b', 'a.b', 'a__b', 'a---b', '0', `${'a'.repeat(127)}/${'b'.repeat(127)}`].filter(isRepositoryName),
  ).toHaveLength(7)
  expect(
    ['', '/a', 'a/', 'a//b', 'a..b', 'a___b', '-a', 'a-', 'Ä', 'a_', 'a'.repeat(256)].filter(isRepositoryName),
  ).toEqual([])
})

test('a hostile name is judged at once', () => {
  expect(isRepositoryName(`${'a-'.repeat(127)}!`)).toBe(false)
})

test('tags', () => {
  expect(['latest', '_x', '1.0-rc.1', 'A'.repeat(128)].filter(isTag)).toHaveLength(4)
  expect(['', '.x', '-x', 'a/b', 'a:b', 'A'.repeat(129)].filter(isTag)).toEqual([])
})
