import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import {
  annotate,
  appendHistory,
  appendLayer,
  appendManifest,
  chainId,
  chainIds,
  createIndex,
  editConfig,
  editContainerConfig,
  emptyImage,
  goJson,
  historySteps,
  type Image,
  type ImageConfig,
  MEDIA,
  parseConfig,
  parseImageDocument,
  parseManifest,
  writeConfig,
  writeImage,
  writeIndex,
} from './index.ts'

const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')]
const amd64 = { os: 'linux', architecture: 'amd64' }
const layer = (name: string) => ({
  descriptor: { mediaType: MEDIA.ociLayer, digest: digestOf(name), size: 1 },
  diffId: digestOf(name),
  history: { created_by: name },
})

describe('chain id', () => {
  test('of one layer is its diff id, of none is nothing', () => {
    expect(chainId([])).toBeUndefined()
    expect(chainId([a])).toBe(a)
  })

  test('follows the formula of the specification', () => {
    const ab = digestOf(`${a} ${b}`)
    expect(chainIds([a, b, c])).toEqual([a, ab, digestOf(`${ab} ${c}`)])
  })
})

describe('history', () => {
  const config = (history: ImageConfig['history'], layers: number): ImageConfig => ({
    ...amd64,
    rootfs: { type: 'layers', diff_ids: [a, b, c].slice(0, layers) },
    ...(history === undefined ? {} : { history }),
  })

  test('pairs entries with layers', () => {
    const [first, middle, last] = [{ created_by: '1' }, { created_by: '2', empty_layer: true }, { created_by: '3' }]
    expect(historySteps(config([first, middle, last], 2))).toEqual([
      { entry: first, layer: 0, diffId: a },
      { entry: middle },
      { entry: last, layer: 1, diffId: b },
    ])
  })

  test('absent, short and long ones are survived', () => {
    expect(historySteps(config(undefined, 2))).toEqual([
      { layer: 0, diffId: a },
      { layer: 1, diffId: b },
    ])
    expect(historySteps(config([{}], 2))).toEqual([
      { entry: {}, layer: 0, diffId: a },
      { layer: 1, diffId: b },
    ])
    expect(historySteps(config([{}, {}], 1))).toEqual([{ entry: {}, layer: 0, diffId: a }, { entry: {} }])
  })
})

describe('edits', () => {
  test('make a new image and leave the old one alone', () => {
    const before = emptyImage(amd64)
    const frozen = JSON.stringify(before)
    const after = appendHistory(appendLayer(before, layer('a')), { created_by: 'ENV A=1' })
    expect(JSON.stringify(before)).toBe(frozen)
    expect(after.manifest.layers).toEqual([layer('a').descriptor])
    expect(after.config.rootfs.diff_ids).toEqual([a])
    expect(after.config.history).toEqual([{ created_by: 'a' }, { created_by: 'ENV A=1', empty_layer: true }])
  })

  test('a layer on an image without history is paired with its own entry', () => {
    const base = appendLayer(emptyImage(amd64), layer('a'))
    const { history: _, ...bare } = base.config
    const after = appendLayer({ ...base, config: bare }, layer('b'))
    expect(historySteps(after.config).at(-1)).toEqual({ entry: { created_by: 'b' }, layer: 1, diffId: b })
  })

  test('set and take out fields of the config', () => {
    const first = editContainerConfig(emptyImage(amd64), { User: 'me', Env: ['A=1'] })
    const second = editContainerConfig(first, { User: undefined, Cmd: ['sh'] })
    expect(second.config.config).toEqual({ Env: ['A=1'], Cmd: ['sh'] })
    expect(editConfig(second, { author: 'x', created: '2020-01-01T00:00:00Z' }).config).toMatchObject({ author: 'x' })
  })

  test('keep fields that this program does not know, and integers beyond 2^53', () => {
    const text =
      '{"architecture":"amd64","config":{"User":"x","Memory":9007199254740993},"os":"linux",' +
      '"rootfs":{"type":"layers","diff_ids":[]},"x-new":{"__proto__":{"n":12345678901234567890},"constructor":"c"}}'
    const image: Image = { ...emptyImage(amd64), config: parseConfig(Buffer.from(text)) }
    const edited = writeImage(appendLayer(editContainerConfig(image, { User: 'y' }), layer('a')))
    expect(edited.config.bytes.toString()).toBe(
      text
        .replace('"User":"x"', '"User":"y"')
        .replace('"diff_ids":[]', `"diff_ids":["${a}"]`)
        .replace('"os":', '"history":[{"created_by":"a"}],"os":'),
    )
  })

  test('labels and annotations named as object members survive', () => {
    const labels = JSON.parse('{"__proto__":"x","constructor":"y"}')
    const image = annotate(editContainerConfig(emptyImage(amd64), { Labels: labels }), labels)
    const { config, manifest } = writeImage(image)
    expect(config.bytes.toString()).toContain('"Labels":{"__proto__":"x","constructor":"y"}')
    expect(parseManifest(manifest.bytes).annotations).toEqual(labels)
  })

  test('every edited image can be read back', () => {
    const step = fc.oneof(
      fc.string().map((text) => (image: Image) => appendLayer(image, layer(text))),
      fc.string({ unit: 'binary' }).map((text) => (image: Image) => appendHistory(image, { created_by: text })),
      fc.string({ unit: 'grapheme' }).map((text) => (image: Image) => editContainerConfig(image, { Env: [text] })),
      fc
        .dictionary(fc.string(), fc.string())
        .map((labels) => (image: Image) => editContainerConfig(image, { Labels: labels })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const image = steps.reduce((value, apply) => apply(value), emptyImage(amd64))
        const { config, manifest } = writeImage(image)
        expect(parseConfig(config.bytes)).toEqual(image.config)
        expect(parseManifest(manifest.bytes).config.digest).toBe(config.descriptor.digest)
        expect(writeConfig(parseConfig(config.bytes)).bytes).toEqual(config.bytes)
      }),
    )
  })
})

describe('documents', () => {
  // made with Docker 28.5: `docker buildx build -o type=oci` of a Dockerfile with these instructions and no layer
  const config =
    '{"architecture":"amd64","author":"me@x","config":{"User":"1000","ExposedPorts":{"443/udp":{},"80/tcp":{}},' +
    '"Env":["X=a\\u003cb\\u0026c\\u003ed"],"Volumes":{"/a":{},"/data":{}},"WorkingDir":"/",' +
    '"Labels":{"a":"2","z":"1"},"StopSignal":"SIGTERM","Healthcheck":{"Test":["CMD-SHELL","true"],' +
    '"Interval":5000000000},"OnBuild":["RUN echo \\"hi\\" \\u0026\\u0026 true"],"Shell":["/bin/bash","-c"]},' +
    '"history":[{"created_by":"ENV X=a\\u003cb\\u0026c\\u003ed","comment":"buildkit.dockerfile.v0",' +
    '"empty_layer":true}],"os":"linux","rootfs":{"type":"layers","diff_ids":[]},"variant":"v2"}'

  test('a config is written byte for byte as BuildKit does', () => {
    const shuffled = Object.fromEntries(Object.entries(JSON.parse(config)).reverse()) as unknown as ImageConfig
    shuffled.rootfs satisfies object
    const container = Object.fromEntries(Object.entries(shuffled.config ?? {}).reverse())
    expect(writeConfig({ ...shuffled, config: container }).bytes.toString()).toBe(config)
  })

  test('a manifest is written byte for byte as BuildKit does', () => {
    const image = annotate(emptyImage(amd64), { k: 'v' })
    const { manifest, config: written } = writeImage(image)
    expect(manifest.bytes.toString()).toBe(`{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "${written.descriptor.digest}",
    "size": ${written.bytes.length}
  },
  "layers": [],
  "annotations": {
    "k": "v"
  }
}`)
    expect(manifest.descriptor).toEqual({
      mediaType: MEDIA.ociManifest,
      digest: digestOf(manifest.bytes),
      size: manifest.bytes.length,
    })
  })

  test('the stale copy inside a config descriptor is dropped', () => {
    const image = emptyImage(amd64)
    const inline = { ...image, manifest: { ...image.manifest, config: { ...image.manifest.config, data: 'e30=' } } }
    expect(parseManifest(writeImage(inline).manifest.bytes).config.data).toBeUndefined()
  })

  test('an index puts the platform in the order of Go', () => {
    const entry = {
      platform: { variant: 'v2', os: 'linux', architecture: 'amd64' },
      size: 1,
      digest: a,
      mediaType: 'a/b',
    }
    const { bytes } = writeIndex(appendManifest(createIndex([]), entry))
    expect(JSON.stringify(JSON.parse(bytes.toString()))).toBe(
      `{"schemaVersion":2,"mediaType":"${MEDIA.ociIndex}","manifests":[{"mediaType":"a/b","digest":"${a}","size":1,` +
        '"platform":{"architecture":"amd64","os":"linux","variant":"v2"}}]}',
    )
    expect(parseImageDocument(bytes).kind).toBe('index')
  })

  test('JSON is escaped as Go does', () => {
    expect(goJson('<&>\u2028\u2029"é')).toBe('"\\u003c\\u0026\\u003e\\u2028\\u2029\\"é"')
  })
})
