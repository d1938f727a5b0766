import { describe, expect, test } from 'vitest'
import { planText } from '../fixture.suite.ts'
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
      unpack: false,
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

  test('--link makes no difference', async () => {
    expect((await copy('COPY --link a /')).op).toEqual((await copy('COPY a /')).op)
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
    expect((await copy('ADD a.tar /')).op.unpack).toBe(true)
    expect((await copy('ADD --unpack=false a.tar /')).op.unpack).toBe(false)
  })

  test('fetches URLs, which stay packed, as inputs of their own', async () => {
    const { op, inputs } = await copy('ADD http://x.invalid/a.tar HTTPS://y.invalid/b /d/')
    expect(op).toMatchObject({ sources: [{ download: 2 }, { download: 3 }], unpack: false })
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
})
