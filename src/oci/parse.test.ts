import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, SlipwayError } from '../core/index.ts'
import {
  checkImage,
  isImageManifest,
  LIMITS,
  MEDIA,
  parseConfig,
  parseImageDocument,
  parseIndex,
  parseManifest,
} from './index.ts'

const digest = digestOf('x')
const layer = { mediaType: MEDIA.ociLayerGzip, digest, size: 10 }
const manifest = {
  schemaVersion: 2,
  mediaType: MEDIA.ociManifest,
  config: { mediaType: MEDIA.ociConfig, digest, size: 2 },
  layers: [layer],
}
const index = {
  schemaVersion: 2,
  mediaType: MEDIA.ociIndex,
  manifests: [{ mediaType: MEDIA.ociManifest, digest, size: 5, platform: { os: 'linux', architecture: 'amd64' } }],
}
const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } }

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const problem = (parse: () => unknown): string => {
  try {
    parse()
  } catch (error) {
    return `${(error as SlipwayError).code} ${(error as Error).message}`
  }
  return 'accepted'
}

describe('manifest and index', () => {
  test('are told apart by the media type', () => {
    expect(parseImageDocument(bytes(manifest)).kind).toBe('manifest')
    expect(parseImageDocument(bytes(index)).kind).toBe('index')
    expect(parseImageDocument(bytes({ ...manifest, mediaType: MEDIA.dockerManifest })).mediaType).toBe(
      MEDIA.dockerManifest,
    )
  })

  test('are told apart by their shape when no media type is given', () => {
    const { mediaType: _, ...bare } = manifest
    const { mediaType: __, ...bareIndex } = index
    expect(parseImageDocument(bytes(bare)).mediaType).toBe(MEDIA.ociManifest)
    expect(parseImageDocument(bytes(bareIndex)).mediaType).toBe(MEDIA.ociIndex)
    expect(parseImageDocument(bytes(bareIndex), MEDIA.dockerList).mediaType).toBe(MEDIA.dockerList)
  })

  test('keep what this program does not know, and integers beyond 2^53', () => {
    const text = '{"schemaVersion":2,"manifests":[],"x-new":{"constructor":1,"__proto__":{"a":12345678901234567890}}}'
    expect(JSON.stringify(parseIndex(bytes(text)))).toBe(text)
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  test('null stands for an empty list, as Go writes it', () => {
    expect(parseIndex(bytes({ ...index, manifests: null })).manifests).toEqual([])
    expect(parseManifest(bytes({ ...manifest, layers: null })).layers).toEqual([])
  })

  test('only the expected kind is taken', () => {
    expect(problem(() => parseManifest(bytes(index)))).toBe('MANIFEST_INVALID invalid manifest: it is an index')
    expect(problem(() => parseIndex(bytes(manifest)))).toMatch(/^MANIFEST_INVALID invalid index: it is a manifest/)
  })

  test.each<[string, unknown, RegExp]>([
    ['layers in an index', { ...index, layers: [layer] }, /^MANIFEST_INVALID invalid index: 'layers' does not belong/],
    ['manifests in a manifest', { ...manifest, manifests: [] }, /^MANIFEST_INVALID .*'manifests' does not belong/],
    [
      'both, without a media type',
      { ...manifest, mediaType: undefined, manifests: [] },
      /^MANIFEST_INVALID .*'config' does not/,
    ],
    ['no config', { ...manifest, config: undefined }, /^MANIFEST_INVALID invalid manifest: config is missing/],
    ['no layers', { ...manifest, layers: undefined }, /^MANIFEST_INVALID invalid manifest: layers is missing/],
    ['no manifests', { ...index, manifests: undefined }, /^MANIFEST_INVALID invalid index: manifests is missing/],
    ['a list', [], /^MANIFEST_INVALID invalid manifest: it must be an object/],
    ['schemaVersion 3', { ...manifest, schemaVersion: 3 }, /schemaVersion must be 2/],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, /^MANIFEST_UNSUPPORTED .*manifest version 2, schema 1/],
    ['an unknown media type', { ...manifest, mediaType: 'text/plain' }, /^MANIFEST_UNSUPPORTED/],
    [
      'annotations that are not strings',
      { ...manifest, annotations: { a: 1 } },
      /annotations must be an object of str/,
    ],
    [
      'a hidden annotation',
      '{"schemaVersion":2,"manifests":[],"annotations":{"constructor":1}}',
      /annotations must be/,
    ],
    ['not JSON', '{', /^JSON_INVALID manifest is not valid JSON/],
    [
      'too many layers',
      { ...manifest, layers: Array(LIMITS.layers + 1).fill(layer) },
      /layers must not have more than/,
    ],
    ['too large', `{"x":"${'a'.repeat(LIMITS.manifestBytes)}"}`, /^JSON_INVALID manifest is larger than/],
    ['too deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /^JSON_INVALID manifest is nested deeper/],
  ])('%s is refused', (_name, value, message) => {
    expect(problem(() => parseImageDocument(bytes(value)))).toMatch(message)
  })

  test.each<[string, string, unknown]>([
    ['manifest', MEDIA.ociIndex, manifest],
    ['index', MEDIA.ociManifest, index],
    ['other vendor', MEDIA.dockerManifest, manifest],
  ])('a body whose media type is not the one of its descriptor is refused: %s', (_name, mediaType, value) => {
    expect(problem(() => parseImageDocument(bytes(value), mediaType))).toMatch(
      /^MANIFEST_INVALID invalid manifest: its mediaType is not the one of its descriptor/,
    )
  })

  test.each<[string, object, RegExp]>([
    ['a path for a digest', { digest: 'sha256:../../../etc/passwd' }, /layers\.0\.digest must be a digest/],
    ['an upper-case digest', { digest: `sha256:${'A'.repeat(64)}` }, /digest must be a digest/],
    ['a short digest', { digest: 'sha256:abcd' }, /digest must be a digest/],
    ['an unknown algorithm', { digest: `md5:${'a'.repeat(32)}` }, /digest must be a digest/],
    ['a negative size', { size: -1 }, /layers\.0\.size must not be negative/],
    ['a fraction', { size: 1.5 }, /size must be a whole number/],
    ['a huge size', { size: 1e300 }, /size must be a whole number/],
    ['a size in a string', { size: '10' }, /size must be a number/],
    ['no size', { size: undefined }, /size is missing/],
    ['a bad media type', { mediaType: 'tar' }, /mediaType must be a media type/],
    ['an overlong media type', { mediaType: `a/${'b'.repeat(128)}` }, /mediaType must be a media type/],
    ['urls that are none', { urls: ['there'] }, /urls\.0 must be a URI/],
    ['data that is not base64', { data: 'a b' }, /data must be base64/],
    ['a platform without os', { platform: { architecture: 'arm' } }, /platform\.os is missing/],
    ['a list for a platform', { platform: [] }, /platform must be an object/],
  ])('a descriptor with %s is refused', (_name, change, message) => {
    expect(problem(() => parseManifest(bytes({ ...manifest, layers: [{ ...layer, ...change }] })))).toMatch(message)
  })

  test('a size beyond 2^53 is refused', () => {
    const text = JSON.stringify(manifest).replace('"size":10', '"size":9007199254740993')
    expect(problem(() => parseManifest(bytes(text)))).toMatch(/layers\.0\.size must be a number/)
  })

  test('the message repeats nothing of the document', () => {
    expect(problem(() => parseManifest(bytes({ ...manifest, mediaType: '\x1b]0;evil\x07' })))).not.toMatch(/evil|\x1b/)
  })
})

describe('config', () => {
  test('keeps unknown fields and drops the nulls that Go writes', () => {
    const parsed = parseConfig(
      bytes({
        ...config,
        created: null,
        history: null,
        moby: { a: null },
        config: { Env: null, Cmd: null, Labels: null, Hostname: 'h' },
      }),
    )
    expect(parsed).toEqual({ ...config, moby: { a: null }, config: { Hostname: 'h' } })
  })

  test('labels named as object members are plain data', () => {
    const text = '{"Labels":{"__proto__":"x","constructor":"y"},"__proto__":{"polluted":true}}'
    const parsed = parseConfig(bytes(JSON.stringify(config).replace('"rootfs"', `"config":${text},"rootfs"`)))
    expect(Object.keys(parsed.config?.Labels ?? {})).toEqual(['__proto__', 'constructor'])
    expect(JSON.stringify(parsed.config)).toBe(text)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('of two equal keys the last one counts', () => {
    const text = JSON.stringify(config).replace('"rootfs"', '"config":{"User":"0","User":"1000"},"rootfs"')
    expect(parseConfig(bytes(text)).config?.User).toBe('1000')
  })

  test('an image without layers may have null for its diff ids', () => {
    expect(parseConfig(bytes({ ...config, rootfs: { type: 'layers', diff_ids: null } })).rootfs.diff_ids).toEqual([])
  })

  test.each<[string, object, RegExp]>([
    ['no rootfs', { rootfs: undefined }, /invalid image JSON, no RootFS key/],
    ['no architecture', { architecture: undefined }, /architecture is missing/],
    ['a number for os', { os: 1 }, /os must be a string/],
    ['Env as an object', { config: { Env: { a: 1 } } }, /config\.Env must be a list of strings/],
    ['Cmd as a number', { config: { Cmd: 7 } }, /config\.Cmd must be a list of strings/],
    ['a list for config', { config: [] }, /config must be an object/],
    ['Volumes as a list', { config: { Volumes: ['/a'] } }, /config\.Volumes must be an object/],
    ['a label that is a number', { config: { Labels: { a: 1 } } }, /config\.Labels must be an object of strings/],
    ['an interval in words', { config: { Healthcheck: { Interval: '5s' } } }, /Healthcheck\.Interval must be a num/],
    ['a day for created', { created: 'yesterday' }, /created must be a time as in RFC 3339/],
    ['a history that is no list', { history: {} }, /history must be a list/],
    ['a bad diff id', { rootfs: { type: 'layers', diff_ids: ['sha256:1'] } }, /rootfs\.diff_ids\.0 must be a digest/],
    ['another kind of rootfs', { rootfs: { type: 'tree', diff_ids: [] } }, /rootfs\.type must be 'layers'/],
  ])('%s is refused', (_name, change, message) => {
    expect(problem(() => parseConfig(bytes({ ...config, ...change })))).toMatch(message)
  })

  test('a label of 20 MiB is refused before it is parsed', () => {
    const text = JSON.stringify({ ...config, config: { Labels: { x: 'A'.repeat(20 << 20) } } })
    expect(problem(() => parseConfig(bytes(text)))).toMatch(/^JSON_INVALID image config is larger than/)
  })

  test('bytes that are not UTF-8 are refused', () => {
    const text = JSON.stringify({ ...config, author: '\xff\xfe' })
    expect(problem(() => parseConfig(Buffer.from(text, 'latin1')))).toMatch(/^JSON_INVALID/)
  })
})

describe('config and manifest together', () => {
  const image = (layers: number, diffIds: number, history: object[]): string =>
    problem(() =>
      checkImage(
        parseManifest(bytes({ ...manifest, layers: Array(layers).fill(layer) })),
        parseConfig(bytes({ ...config, rootfs: { type: 'layers', diff_ids: Array(diffIds).fill(digest) }, history })),
      ),
    )

  test('agree', () => {
    expect(image(2, 2, [{}, { empty_layer: true }, {}])).toBe('accepted')
    expect(image(2, 2, [])).toBe('accepted')
    expect(image(0, 0, [{ empty_layer: true }])).toBe('accepted')
  })

  test('disagree', () => {
    expect(image(1, 2, [])).toMatch(/CONFIG_INVALID invalid manifest, layers length mismatch: expected 1, got 2/)
    expect(image(2, 1, [])).toMatch(/expected 2, got 1/)
    expect(image(1, 1, [{}, {}])).toMatch(/CONFIG_INVALID too many non-empty layers in History section/)
  })

  test('what is not an image is not taken for one', () => {
    const parsed = parseManifest(bytes(manifest))
    expect(isImageManifest(parsed)).toBe(true)
    expect(isImageManifest({ ...parsed, layers: [{ ...parsed.layers[0]!, mediaType: 'application/wasm' }] })).toBe(
      false,
    )
    expect(isImageManifest({ ...parsed, config: { ...parsed.config, mediaType: MEDIA.ociEmpty } })).toBe(false)
  })
})

test('whatever stands in a document, it is taken or refused with a code', () => {
  const documents: [object, (bytes: Buffer) => unknown][] = [
    [manifest, parseImageDocument],
    [index, parseImageDocument],
    [{ ...config, config: { Env: ['A=b'], Healthcheck: { Interval: 1 } }, history: [{}] }, parseConfig],
  ]
  /** The document with one value, anywhere in it, replaced. */
  const spoil = (value: unknown, at: number, by: unknown): unknown => {
    if (typeof value !== 'object' || value === null || at === 0) return by
    const keys = Object.keys(value)
    const key = keys[at % keys.length]
    if (key === undefined) return by
    const rest = Math.floor(at / keys.length)
    const copy = Array.isArray(value) ? [...value] : { ...value }
    return Object.assign(copy, { [key]: spoil((value as Record<string, unknown>)[key], rest, by) })
  }
  fc.assert(
    fc.property(fc.nat(2), fc.nat(5000), fc.jsonValue(), (which, at, by) => {
      const [document, parse] = documents[which]!
      try {
        parse(bytes(spoil(document, at, by) as object))
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
