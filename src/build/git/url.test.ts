import { describe, expect, test } from 'vitest'
import { type GitReference, hostOf, isRemote, parseGitUrl, withoutPassword } from './url.ts'

describe('what names a git repository', () => {
  test.each<[string, GitReference]>([
    ['https://host.invalid/a.git', { remote: 'https://host.invalid/a.git' }],
    ['HTTP://host.invalid/a.git#v1', { remote: 'HTTP://host.invalid/a.git', ref: 'v1' }],
    ['https://me:pw@host.invalid/a.git', { remote: 'https://me:pw@host.invalid/a.git' }],
    [
      'https://host.invalid/a.git#release/1.2:d/e',
      { remote: 'https://host.invalid/a.git', ref: 'release/1.2', subdir: 'd/e' },
    ],
    ['https://host.invalid/a.git#:d', { remote: 'https://host.invalid/a.git', subdir: 'd' }],
    ['https://host.invalid/a.git#a:b:c', { remote: 'https://host.invalid/a.git', ref: 'a', subdir: 'b:c' }],
    ['https://host.invalid/a.git#', { remote: 'https://host.invalid/a.git' }],
    ['git@host.invalid:a/b', { remote: 'git@host.invalid:a/b' }],
    ['me-2@host.invalid:a.git?ref=x#:d', { remote: 'me-2@host.invalid:a.git', ref: 'x', subdir: 'd' }],
    ['ssh://git@host.invalid:22/a', { remote: 'ssh://git@host.invalid:22/a' }],
    ['git://host.invalid/a#b', { remote: 'git://host.invalid/a', ref: 'b' }],
    ['github.com/a/b#c', { remote: 'https://github.com/a/b', ref: 'c', mayBeLocal: true }],
  ])('%s', (text, reference) => {
    expect(parseGitUrl(text)).toEqual(reference)
  })

  test.each([
    'a.git',
    './a.git',
    'custom.invalid/a.git',
    'https://host.invalid/a',
    'https://host.invalid/a.git/',
    'https://host.invalid/a.git.b',
    'https://host.invalid/a.git:#b',
    'https://host.invalid?a=.git',
    'file:///a.git',
    'ext::sh -c x',
    'ftp://host.invalid/a.git',
    'host.invalid:a.git',
  ])('not %s', (text) => {
    expect(parseGitUrl(text)).toBeUndefined()
  })
})

describe('the query', () => {
  const url = 'https://host.invalid/a.git'

  test.each<[string, Omit<GitReference, 'remote'>]>([
    ['?ref=a&subdir=/b', { ref: 'a', subdir: '/b' }],
    ['?tag=v1', { ref: 'refs/tags/v1' }],
    ['?tag=refs/tags/v1#refs/tags/v1', { ref: 'refs/tags/v1' }],
    ['?branch=a/b', { ref: 'refs/heads/a/b' }],
    ['?checksum=abc', { checksum: 'abc' }],
    ['?commit=abc&fetch-by-commit', { checksum: 'abc', fetchByCommit: true }],
    ['?keep-git-dir&submodules=0', { keepGitDir: true, submodules: false }],
    ['?keep-git-dir=false&submodules=T', { keepGitDir: false, submodules: true }],
    ['?mtime=commit', { mtime: 'commit' }],
    ['?ref=a%2Fb', { ref: 'a/b' }],
  ])('%s', (query, reference) => {
    expect(parseGitUrl(url + query)).toEqual({ remote: url, ...reference })
  })

  test.each([
    ['?nope=1', 'unexpected query "nope"'],
    ['?tag=a&branch=b', 'branch conflicts with tag'],
    ['?ref=a#b', 'ref conflicts: "b" vs "a"'],
    ['?ref=a&tag=a', 'ref conflicts: "a" vs "refs/tags/a"'],
    ['?subdir=a#:b', 'subdir conflicts: "b" vs "a"'],
    ['?ref=a&ref=a', 'query "ref" has multiple values'],
    ['?ref=', 'query "ref" has no value'],
    ['?mtime=now', 'invalid mtime value: "now"'],
    ['?submodules=maybe', 'invalid submodules value: "maybe"'],
    ['?fetch-by-commit=2', 'invalid fetch-by-commit value: "2"'],
  ])('%s is refused', (query, message) => {
    expect(() => parseGitUrl(`https://me:secret@host.invalid/a.git${query}`)).toThrow(
      expect.objectContaining({ code: 'GIT_URL_INVALID', message: `${message} in https://host.invalid/a.git${query}` }),
    )
  })
})

test('remotes go over the network, and look like nothing else', () => {
  for (const text of ['https://h/a', 'http://h/a.git', 'ssh://h/a', 'git://h/a', 'me@h:a'])
    expect(isRemote(text)).toBe(true)
  for (const text of [
    '/a',
    '../a',
    'file:///a',
    'ext::a',
    '-x',
    'ssh://-x/a',
    'me@-h:a',
    'me@h:-a',
    'http://h/a b',
    'http://h/a#b',
  ]) {
    expect([text, isRemote(text)]).toEqual([text, false])
  }
})

test('hosts, and addresses without passwords', () => {
  expect(['https://me:pw@h:1/a', 'git@h:a', 'ssh://h', 'me@h.i:a@b'].map(hostOf)).toEqual(['h:1', 'h', 'h', 'h.i'])
  expect(withoutPassword('https://me:pw@h:1/a@b')).toBe('https://h:1/a@b')
  expect(withoutPassword('git@h:a')).toBe('git@h:a')
})
