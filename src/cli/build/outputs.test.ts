import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageOf } from '../../core/index.ts'
import type { CommandIo } from '../io.ts'
import { parseAnnotations } from './annotations.ts'
import { type OutputFlags, outputsOf } from './outputs.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-output-flags-'))
  mkdirSync(path.join(folder, 'd'))
  writeFileSync(path.join(folder, 'f'), '')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function parse(texts: readonly string[], flags: Partial<OutputFlags> = {}, isTerminal = false) {
  const io = { stdout: { terminal: () => ({ isTerminal }) } } as unknown as CommandIo
  const all = { load: false, push: false, tag: [], annotations: [], allow: [], ...flags }
  const here = texts.map((text) => text.replaceAll('DIR', folder))
  return outputsOf(here, all, io).map((output) =>
    'dest' in output && typeof output.dest === 'string'
      ? { ...output, dest: output.dest.replace(folder, 'DIR') }
      : output,
  )
}

function refusal(texts: readonly string[], flags: Partial<OutputFlags> = {}, isTerminal = false): string {
  try {
    parse(texts, flags, isTerminal)
  } catch (error) {
    return messageOf(error).replaceAll(folder, 'DIR')
  }
  throw new Error('it was taken')
}

const GZIP = { compression: { algorithm: 'gzip', force: false } }
const PLAIN = { compression: { algorithm: 'uncompressed', force: false } }

describe('--output', () => {
  test.each<[string, object]>([
    ['DIR/new', { type: 'local', dest: 'DIR/new', mode: 'copy' }],
    ['a=b', { type: 'local', dest: 'a=b', mode: 'copy' }],
    [
      'type=local,dest=DIR/d,platform-split=false,attestation-prefix=x.',
      { type: 'local', dest: 'DIR/d', mode: 'copy', platformSplit: false, attestationPrefix: 'x.' },
    ],
    ['type=tar,dest=DIR/f,source-date-epoch=7', { type: 'tar', dest: 'DIR/f', epoch: 7 }],
    ['type=oci,dest=DIR/f', { type: 'oci', dest: 'DIR/f', mediaTypes: 'oci', annotations: [], ...GZIP }],
    [
      'type=oci,tar=false,dest=DIR/d',
      { type: 'oci', dest: 'DIR/d', asFolder: true, mediaTypes: 'oci', annotations: [], ...GZIP },
    ],
    [
      'type=docker,dest=DIR/f,oci-mediatypes=true',
      { type: 'docker', dest: 'DIR/f', mediaTypes: 'oci', annotations: [], ...GZIP },
    ],
    ['type=docker,name=x', { type: 'image', names: ['x'], annotations: [], ...PLAIN }],
    [
      'type=image,"name=a,b",source-date-epoch=',
      { type: 'image', names: ['a', 'b'], epoch: null, annotations: [], ...PLAIN },
    ],
    [
      'type=image,compression=zstd,compression-level=99,force-compression=1,rewrite-timestamp=true',
      {
        type: 'image',
        annotations: [],
        rewriteTimestamp: true,
        compression: { algorithm: 'zstd', level: 22, force: true },
      },
    ],
    [
      'type=image,unpack=false,store=true,name-canonical=true,prefer-nondist-layers=1,danling-name-prefix=x',
      { type: 'image', annotations: [], ...PLAIN },
    ],
    [
      'type=image,annotation.a=b,annotation-index[linux/arm64].c=d',
      {
        type: 'image',
        ...PLAIN,
        annotations: [
          { on: 'manifest', key: 'a', value: 'b' },
          { on: 'index', platform: { os: 'linux', architecture: 'arm64' }, key: 'c', value: 'd' },
        ],
      },
    ],
    ['type=cacheonly', { type: 'cacheonly' }],
  ])('%s', (text, expected) => {
    expect(parse([text])).toEqual([expected])
  })

  test('- is a tar on standard output, unless that is a terminal', () => {
    expect(parse(['-'])).toEqual([{ type: 'tar', dest: expect.any(Function) }])
    expect(parse(['type=oci'])[0]).toMatchObject({ dest: expect.any(Function) })
    expect(refusal(['-'], {}, true)).toBe('dest file is required for tar exporter. refusing to write to console')
  })

  test.each<[string, string]>([
    ['type=foo', 'failed to solve: exporter "foo" could not be found'],
    ['dest=x,name=y', 'type is required for output'],
    ['type=local', 'dest is required for local exporter'],
    ['type=local,dest=-', 'dest cannot be stdout for local exporter'],
    ['type=local,dest=DIR/f', 'destination directory DIR/f is a file'],
    ['type=oci,dest=DIR/d', 'destination file DIR/d is a directory'],
    ['type=tar,dest=/nowhere/x', 'failed to open open /nowhere/x: no such file or directory'],
    ['type=image,compression=foo', 'failed to solve: unsupported compression type foo'],
    ['type=image,compression=estargz', 'failed to solve: compression type estargz is not supported'],
    [
      'type=image,compression-level=x',
      'failed to solve: non-integer value x specified for compression-level: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [
      'type=oci,tar=maybe',
      'failed to solve: non-bool value specified for tar: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [
      'type=oci,force-compression=x',
      'failed to solve: non-bool value x specified for force-compression: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    ['type=image,source-date-epoch=x', 'invalid SOURCE_DATE_EPOCH: x'],
    ['type=local,dest=DIR/d,mode=move', 'failed to solve: invalid mode "move" for local exporter: use copy or delete'],
    ['type=local,dest=DIR/d,mode=delete', 'output DIR/d with mode=delete is not below the current directory'],
    ['type=local,dest=.,mode=delete', 'output . with mode=delete is not below the current directory'],
    ['type=image,x', 'invalid value x'],
  ])('%s is refused', (text, message) => {
    expect(refusal([text])).toBe(message)
  })

  test('mode=delete is for folders below the current one, unless any is allowed', () => {
    expect(parse(['type=local,dest=below/this,mode=delete'])[0]).toMatchObject({ mode: 'delete' })
    expect(parse(['type=local,dest=DIR/d,mode=delete'], { allow: ['buildx.local.delete'] })).toHaveLength(1)
  })
})

test('without outputs, and with --load, the image goes into the store', () => {
  expect(parse([])).toEqual([{ type: 'image', annotations: [], ...PLAIN }])
  expect(parse(['DIR/new'], { load: true }).map(({ type }) => type)).toEqual(['local', 'image'])
  expect(parse(['type=image'], { load: true })).toHaveLength(1)
})

test('only one output can have standard output', () => {
  expect(refusal(['-', 'type=oci'])).toBe('multiple outputs configured to write to stdout')
  expect(parse(['-', 'type=oci,dest=DIR/f'])).toHaveLength(2)
})

test('what is pushed is compressed', () => {
  const pushed = { type: 'image', push: 'by-name', compression: { algorithm: 'gzip', force: false } }
  const tag = ['x']
  for (const [texts, flags] of [
    [[], { push: true, tag }],
    [['type=registry'], { tag }],
    [['type=image,push=true'], { tag }],
    [['type=image'], { push: true, tag }],
    [['type=registry,name=x'], {}],
  ] as const) {
    expect(parse([...texts], flags)).toEqual([expect.objectContaining(pushed)])
  }
  expect(parse(['type=registry,compression=zstd,push-by-digest=true'])[0]).toMatchObject({
    push: 'by-digest',
    compression: { algorithm: 'zstd' },
  })
  expect(parse(['type=oci,dest=DIR/f'], { push: true, tag })).toEqual([
    expect.objectContaining({ type: 'oci' }),
    expect.objectContaining(pushed),
  ])
})

test('tags win over the name of an output', () => {
  expect(parse(['type=oci,dest=DIR/f,name=x'], { tag: ['y'] })[0]).toMatchObject({ names: ['y'] })
})

describe('--annotation', () => {
  test('says where it goes, and for which platform', () => {
    const platform = { os: 'linux', architecture: 'arm64' }
    expect(parseAnnotations(['a=b=c', 'index:d=e', 'manifest[linux/arm64],manifest-descriptor:f=g', ''])).toEqual([
      { on: 'manifest', key: 'a', value: 'b=c' },
      { on: 'index', key: 'd', value: 'e' },
      { on: 'manifest', platform, key: 'f', value: 'g' },
      { on: 'manifest-descriptor', key: 'f', value: 'g' },
    ])
  })

  test.each([
    ['foo', 'parse annotations: invalid annotation "foo", expected key=value'],
    ['fuzz:a=b', 'parse annotations: unknown annotation type "fuzz"'],
    [
      'Index:a=b',
      'parse annotations: invalid annotation type "Index", expected type and optional platform in square brackets',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => parseAnnotations([text])).toThrow(message)
  })
})
