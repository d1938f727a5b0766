import { describe, expect, test } from 'vitest'
import { parse } from '../dockerfile/index.ts'
import { checkOptionsOf, DEFAULT_OPTIONS, isEnabled, parseCheckOptions, withComments } from './options.ts'

describe('the text of # check=', () => {
  test.each([
    ['', {}],
    ['  ', {}],
    ['skip=A', { skip: ['A'] }],
    [' skip = A , B ; error = true ; experimental = all ', { skip: ['A', 'B'], error: true, experimental: 'all' }],
    ['skip=all', { skip: 'all' }],
    ['experimental=A,B;skip=C', { skip: ['C'], experimental: ['A', 'B'] }],
    ['error=0', {}],
    ['error=T', { error: true }],
    ['skip=A;skip=B', { skip: ['B'] }],
    ['skip=A;error=1;skip=B;experimental=C', { skip: ['B;experimental=C'], error: true }],
  ])('%j', (text, options) => {
    expect(parseCheckOptions(text)).toEqual({ ...DEFAULT_OPTIONS, ...options })
  })

  test.each([
    ['skip', 'invalid check option "skip"'],
    ['skip=A;', 'invalid check option ""'],
    ['Skip=A', 'invalid check option "Skip"'],
    ['constructor=A', 'invalid check option "constructor"'],
    ['error=yes', 'failed to parse check option "error=yes": strconv.ParseBool: parsing "yes": invalid syntax'],
    ['error=constructor', 'strconv.ParseBool: parsing "constructor": invalid syntax'],
  ])('%j is refused in the words of BuildKit', (text, message) => {
    expect(() => parseCheckOptions(text)).toThrow(message)
  })
})

describe('the options of a file', () => {
  const { directives } = parse({ name: 'Dockerfile', text: '# check=skip=A\nFROM scratch\n' })

  test('are those of its directive, unless the build argument says otherwise', () => {
    expect(checkOptionsOf(directives, undefined).skip).toEqual(['A'])
    expect(checkOptionsOf(directives, 'error=true')).toEqual({ ...DEFAULT_OPTIONS, error: true })
    expect(checkOptionsOf(directives, '')).toEqual(DEFAULT_OPTIONS)
    expect(checkOptionsOf([], undefined)).toEqual(DEFAULT_OPTIONS)
  })

  test('end at the first space of a directive', () => {
    const spaced = parse({ name: 'Dockerfile', text: '# check=skip=A, B;error=true\nFROM scratch\n' }).directives
    expect(checkOptionsOf(spaced, undefined)).toEqual({ ...DEFAULT_OPTIONS, skip: ['A', ''] })
  })

  test('an error says which of the two is wrong', () => {
    const bad = parse({ name: 'Dockerfile', text: '# check=foo=true\nFROM scratch\n' }).directives
    expect(() => checkOptionsOf(bad, undefined)).toThrow('failed to parse check options: invalid check option "foo"')
    expect(() => checkOptionsOf(bad, 'x')).toThrow(
      'failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: invalid check option "x"',
    )
  })
})

test('comments add to the options; those that cannot be read are comments', () => {
  const comments = ['check=skip=B', 'check=experimental=all', 'check=what=ever', 'check', 'about check=skip=C']
  const options = { ...DEFAULT_OPTIONS, skip: ['A'] }
  const merged = withComments(
    options,
    comments.map((text) => ({ text })),
  )
  expect(merged).toEqual({ skip: ['A', 'B'], experimental: 'all', error: false })
  expect(withComments(options, [{ text: '# check=skip=all' }]).skip).toBe('all')
})

test('experimental rules run when asked for, the others unless they are skipped', () => {
  const rule = { name: 'A', description: '' }
  const experimental = { ...rule, experimental: true } as const
  const both = (text: string): boolean[] => [rule, experimental].map((each) => isEnabled(parseCheckOptions(text), each))
  expect(both('')).toEqual([true, false])
  expect(both('skip=A')).toEqual([false, false])
  expect(both('skip=all;experimental=A')).toEqual([false, true])
  expect(both('experimental=all')).toEqual([true, true])
  expect(both('skip=B;experimental=B')).toEqual([true, false])
})
