import { describe, expect, test } from 'vitest'
import { parse } from '../parse.ts'
import { checkCopyFrom, parseCopy } from './copy.ts'

const copy = (text: string) => parseCopy(parse({ name: 'Dockerfile', text }).nodes[0]!)

test('sources and destination', () => {
  for (const text of ['COPY a "b" c/', 'COPY ["a", "\\"b\\"", "c/"]']) {
    const { sources, destination } = copy(text)
    expect([sources.map(({ text }) => text), destination.text]).toEqual([['a', '"b"'], 'c/'])
  }
})

test('flags', () => {
  const text = 'COPY --from=x --chown=1:2 --chmod=u+x --link --parents=false --exclude=a --exclude=b c d'
  const { from, chown, chmod, link, parents, excludes } = copy(text)
  expect([from, chown, chmod].map((token) => token?.text)).toEqual(['x', '1:2', 'u+x'])
  expect({ link, parents }).toEqual({ link: true, parents: false })
  expect(excludes.map(({ text }) => text)).toEqual(['a', 'b'])
  expect(copy('COPY a b')).toMatchObject({ link: false, parents: false, excludes: [] })
})

describe('here-documents', () => {
  const files = (text: string) =>
    copy(text).files.map(({ path, content, expand }) => ({ path: path.text, content, expand }))

  test.each([
    ['COPY <<E /x\n$a\nE', [{ path: 'E', content: '$a\n', expand: true }]],
    ["COPY <<'E' /x\n$a\nE", [{ path: 'E', content: '$a\n', expand: false }]],
    ['COPY <<-E /x\n\ta\n\t\tb\n\tE', [{ path: 'E', content: 'a\nb\n', expand: true }]],
    [
      'COPY <<A <<B /x\n1\nA\n2\nB',
      [
        { path: 'A', content: '1\n', expand: true },
        { path: 'B', content: '2\n', expand: true },
      ],
    ],
    [
      'COPY <<A <<A /x\n1\nA\n2\nA',
      [
        { path: 'A', content: '2\n', expand: true },
        { path: 'A', content: '2\n', expand: true },
      ],
    ],
    ['COPY ["<<A", "/x"]', [{ path: 'A', content: '', expand: true }]],
  ])('%j', (text, expected) => {
    expect(files(text)).toEqual(expected)
  })

  test('among other sources', () => {
    const { sources, files } = copy('COPY a <<E b /x\nE')
    expect([sources.length, files.length]).toEqual([2, 1])
  })

  test('a destination is no file', () => {
    expect(() => copy('COPY a <<E\nE')).toThrow('COPY cannot accept a heredoc as a destination')
  })
})

test.each(['COPY', 'COPY a', 'COPY --foo a'])('%s has no destination', (text) => {
  const message = 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'
  expect(() => copy(text)).toThrow(expect.objectContaining({ message }))
})

test('the source of a copy is no variable', () => {
  expect(() => checkCopyFrom(copy('COPY --from=$a b c'))).toThrow('variable expansion is not supported for --from')
  expect(() => checkCopyFrom(copy('COPY --from=a$ b c'))).not.toThrow()
  expect(() => checkCopyFrom(copy('COPY b c'))).not.toThrow()
})
