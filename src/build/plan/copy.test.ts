import { describe, expect, test } from 'vitest'
import { errorOf, planText } from '../fixture.suite.ts'
import type { Vertex } from '../graph.ts'
import type { CopyOp } from '../ops/copy.ts'

/** The last step of a Dockerfile that ends with COPY or ADD. */
async function copy(lines: string, options: Parameters<typeof planText>[1] = {}) {
  const { vertex, steps } = await planText(`FROM base\n${lines}\n`, options)
  return { op: vertex.op as CopyOp, inputs: vertex.inputs, createdBy: steps.at(-1)!.createdBy }
}

const kinds = (inputs: readonly Vertex[]): string[] => inputs.map(({ op }) => op.kind)

describe('COPY', () => {
  test('is one op over the file system and the context', async () => {
    const { op, inputs, createdBy } = await copy('COPY a b /dest/')
    expect(op).toEqual({
      kind: 'copy',
      sources: [{ input: 1, paths: ['a', 'b'] }],
      dest: '/dest/',
      owner: null,
      mode: null,
      unpack: { local: false, downloads: false },
      excludes: [],
      parents: false,
      time: 0,
    })
    expect(kinds(inputs)).toEqual(['image', 'context'])
    expect(createdBy).toBe('COPY a b /dest/ # buildkit')
  })

  test.each([
    ['COPY a b', '/b'],
    ['WORKDIR /w\nCOPY a b', '/w/b'],
    ['WORKDIR /w\nCOPY a .', '/w/'],
    ['WORKDIR /w\nCOPY a ./', '/w/'],
    ['WORKDIR /w\nCOPY a ""', '/w/'],
    ['COPY a .', '/'],
    ['COPY a /x/../y/', '/y/'],
    ['COPY a /x/.', '/x/'],
    ['WORKDIR /w\nCOPY a ../..//z', '/z'],
    ['ENV D=/d\nCOPY a $D/e', '/d/e'],
  ])('%s goes to %s', async (lines, dest) => {
    expect((await copy(lines)).op.dest).toBe(dest)
  })

  test('--from takes the place of the context', async () => {
    const { inputs } = await copy('COPY --from=other /a /b', { bases: { base: {}, other: {} } })
    expect(inputs[1]!.op).toMatchObject({ kind: 'image', reference: 'docker.io/library/other' })
    expect(inputs[1]!.label).toBe('FROM docker.io/library/other')
  })

  test('owner and mode are expanded, shown, and kept as they are written', async () => {
    const { op, createdBy } = await copy('ENV U=web M=u+x\nCOPY --chmod=$M --chown=$U:1 a /')
    expect(op).toMatchObject({ owner: 'web:1', mode: 'u+x' })
    expect(createdBy).toBe('COPY --chown=web:1 --chmod=u+x a / # buildkit')
  })

  test('--link copies onto nothing, and merges that with the file system', async () => {
    const { vertex, steps } = await planText('FROM base\nCOPY --link --chown=1 a /b/\n', {
      bases: { base: { about: { created: '2001-09-09T01:46:40.9Z' } } },
    })
    expect(vertex).toMatchObject({ op: { kind: 'merge' }, label: '' })
    const [base, layer] = vertex.inputs
    expect(base!.op).toMatchObject({ kind: 'image', reference: 'docker.io/library/base' })
    expect(layer).toMatchObject({
      op: { kind: 'copy', dest: '/b/', time: 0 },
      label: '[2/2] COPY --link --chown=1 a /b/',
    })
    expect(layer!.inputs[0]!.op).toMatchObject({ kind: 'image', reference: 'scratch', diffIds: [] })
    expect(steps.at(-1)).toEqual({ createdBy: 'COPY --chown=1 a /b/ # buildkit', vertex: layer })
  })

  test('--link=false is a COPY as any other, and so is --link with --chmod', async () => {
    expect((await copy('COPY --link=false a /')).op).toEqual((await copy('COPY a /')).op)
    expect((await copy('COPY --link --chmod=1 a /')).op).toEqual((await copy('COPY --chmod=1 a /')).op)
  })

  test('--parents and --exclude are part of the op; the history shows the first', async () => {
    const { op, createdBy } = await copy('ENV E=md\nCOPY --exclude=*.$E --chmod=1 --parents --exclude=x a /')
    expect(op).toMatchObject({ parents: true, excludes: ['*.md', 'x'] })
    expect(createdBy).toBe('COPY --parents --chmod=1 a / # buildkit')
  })

  test.each([
    ['COPY --exclude=[ a /', '2: syntax error in pattern'],
    ['COPY --exclude=! a /', '2: illegal exclusion pattern: "!"'],
    ['COPY http://x.invalid/a /', "2: source can't be a URL for COPY"],
    ['COPY https://x.invalid/a.git#b /', "2: source can't be a git ref for COPY"],
    ['ENV U=git@x.invalid:a\nCOPY $U /', "3: source can't be a git ref for COPY"],
    ['ADD --checksum=sha256:1 a /', '2: checksum requires HTTP(S) or Git sources'],
    [
      'ADD --checksum=sha256:1 http://x.invalid/a http://x.invalid/b /',
      "2: checksum can't be specified for multiple sources",
    ],
    ['ADD --checksum=md5:1 http://x.invalid/a /', '2: invalid checksum md5:1: only sha256:... is supported'],
    ['ADD https://x.invalid/a.git?nope=1 /', '2: unexpected query "nope" in https://x.invalid/a.git?nope=1'],
  ])('%s fails', async (lines, message) => {
    expect(await errorOf(copy(lines))).toBe(message)
  })

  test('here-documents become files, with variables unless quoted', async () => {
    const lines = 'ENV V=1\nCOPY <<one <<"two" c /d/\n$V\none\n$V\ntwo'
    const { op, createdBy } = await copy(lines)
    expect(op.sources).toEqual([
      { input: 1, paths: ['c'] },
      { name: 'one', text: '1\n' },
      { name: 'two', text: '$V\n' },
    ])
    expect(createdBy).toBe('COPY c <<one <<two /d/ # buildkit')
  })

  test('takes its time from the base image', async () => {
    const bases = { base: { about: { created: '2001-09-09T01:46:40.9Z' } } }
    expect((await copy('COPY a /', { bases })).op.time).toBe(1_000_000_000)
  })
})

describe('ADD', () => {
  test('unpacks local archives unless told not to', async () => {
    expect((await copy('ADD a.tar /')).op.unpack).toEqual({ local: true, downloads: false })
    expect((await copy('ADD --unpack=false a.tar /')).op.unpack).toEqual({ local: false, downloads: false })
    expect((await copy('ADD --unpack http://x.invalid/a /')).op.unpack).toEqual({ local: true, downloads: true })
  })

  test('fetches URLs, which stay packed, as inputs of their own', async () => {
    const { op, inputs } = await copy('ADD http://x.invalid/a.tar HTTPS://y.invalid/b /d/')
    expect(op).toMatchObject({ sources: [{ download: 2 }, { download: 3 }], unpack: { downloads: false } })
    expect(kinds(inputs)).toEqual(['image', 'context', 'http', 'http'])
    expect(inputs[2]!.op).toEqual({ kind: 'http', url: 'http://x.invalid/a.tar', checksum: null })
  })

  test('shows no password', async () => {
    const { inputs, createdBy } = await copy('ADD https://user:secret@x.invalid/a /')
    expect(createdBy).toBe('ADD https://x.invalid/a / # buildkit')
    expect(inputs[2]!.label).toBe('https://x.invalid/a')
  })

  test('takes a checksum', async () => {
    const checksum = `sha256:${'a'.repeat(64)}`
    const { inputs } = await copy(`ADD --checksum=${checksum} http://x.invalid/a /`)
    expect(inputs[2]!.op).toMatchObject({ checksum })
  })

  test('takes files of git repositories, as inputs of their own', async () => {
    const { op, inputs, createdBy } = await copy(
      'ADD --keep-git-dir=true https://me:secret@x.invalid/r.git#v1:d git@x.invalid:r github.com/a/b /d/',
    )
    expect(op.sources).toEqual([{ remote: 2 }, { remote: 3 }, { input: 1, paths: ['github.com/a/b'] }])
    const url = 'https://me:secret@x.invalid/r.git#v1:d'
    expect(inputs[2]!.op).toEqual({ kind: 'git', url, checksum: null, keepGitDir: true })
    expect(createdBy).toBe('ADD https://x.invalid/r.git#v1:d git@x.invalid:r github.com/a/b /d/ # buildkit')
    const pinned = await copy('ADD --checksum=abc1234 git://x.invalid/r /d/')
    expect(pinned.inputs[2]!.op).toMatchObject({ checksum: 'abc1234', keepGitDir: false })
  })
})
