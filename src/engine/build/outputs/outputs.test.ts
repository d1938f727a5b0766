import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, collectBytes, isDigest } from '../../../core/index.ts'
import { findProgram } from '../../../host/index.ts'
import { readTar } from '../../../layer/index.ts'
import { type Index, type Manifest, parsePlatform } from '../../../oci/index.ts'
import { openTestEngine } from '../../fixture.suite.ts'
import type { BuildReport, BuildRequest, Output } from '../../index.ts'

let work: string

beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-outputs-'))
  writeFileSync(path.join(work, 'Dockerfile'), 'FROM scratch\nARG TARGETARCH\nCOPY data /data-$TARGETARCH\nLABEL a=b\n')
  writeFileSync(path.join(work, 'data'), 'words '.repeat(1000))
})

afterEach(() => rmSync(work, { recursive: true, force: true }))

const at = (name: string): string => path.join(work, name)
const BOTH = ['linux/amd64', 'linux/arm64'].map((text) => parsePlatform(text))
const ONE = [parsePlatform('linux/amd64')]

type Test = ReturnType<typeof openTestEngine>

function build(
  outputs: readonly Output[],
  request: Partial<BuildRequest> = {},
  on: Test = openTestEngine(),
): Promise<BuildReport> {
  return on.engine.build({ context: work, platforms: ONE, outputs, ...request })
}

/** The members of a tar by name. */
async function read(bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  async function* stream() {
    yield* bytes
  }
  for await (const { entry, body } of readTar(stream())) {
    found.set(entry.name, await collectBytes(body, 1 << 22, () => new Error('too long')))
  }
  return found
}

const readFile = (name: string): Promise<Map<string, Buffer>> => read([readFileSync(at(name))])

/** The list and the manifest or index of an archive with one image. */
function documents(archive: ReadonlyMap<string, Buffer>): {
  list: Index
  root: Manifest & Index
  blob: (digest: string) => Buffer
} {
  const blob = (digest: string): Buffer => archive.get(`blobs/${digest.replace(':', '/')}`)!
  const list = JSON.parse(archive.get('index.json')!.toString()) as Index
  return { list, root: JSON.parse(blob(list.manifests[0]!.digest).toString()), blob }
}

describe('an archive', () => {
  test('oci holds gzipped layers, and its list says when and for what it was made', async () => {
    const report = await build([{ type: 'oci', dest: at('o.tar'), compression: { algorithm: 'gzip', force: false } }], {
      epoch: 1_000_000_000,
    })
    const archive = await readFile('o.tar')
    const { list, root, blob } = documents(archive)
    expect(list.manifests).toEqual([
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: report.digest,
        size: blob(report.digest).length,
        annotations: { 'org.opencontainers.image.created': '2001-09-09T01:46:40Z' },
        platform: { architecture: 'amd64', os: 'linux' },
      },
    ])
    expect(root.layers.map(({ mediaType }) => mediaType)).toEqual(['application/vnd.oci.image.layer.v1.tar+gzip'])
    expect(blob(root.layers[0]!.digest).subarray(0, 2).toString('hex')).toBe('1f8b')
    expect(archive.has('manifest.json')).toBe(false)
    expect(report.image).toMatchObject({ digest: report.digest, configDigest: root.config.digest })
  })

  test('oci of several platforms has one index, and every name', async () => {
    const { digest } = await build([{ type: 'oci', dest: at('o.tar') }], { platforms: BOTH, tags: ['a/b:1', 'c'] })
    const { list, root } = documents(await readFile('o.tar'))
    expect(
      list.manifests.map((entry) => [
        entry.digest,
        entry.annotations?.['io.containerd.image.name'],
        entry.annotations?.['org.opencontainers.image.ref.name'],
        entry.platform,
      ]),
    ).toEqual([
      [digest, 'docker.io/a/b:1', '1', undefined],
      [digest, 'docker.io/library/c:latest', 'latest', undefined],
    ])
    expect(root.manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64'])
  })

  test('docker can be loaded again, and is what Docker writes in structure', async () => {
    const on = openTestEngine()
    const { id } = await build(
      [{ type: 'docker', dest: at('d.tar'), mediaTypes: 'docker', compression: { algorithm: 'gzip', force: false } }],
      { tags: ['it:1'] },
      on,
    )
    const archive = await readFile('d.tar')
    const { root } = documents(archive)
    expect(root.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json')
    expect(root.config.mediaType).toBe('application/vnd.docker.container.image.v1+json')
    expect(root.layers[0]!.mediaType).toBe('application/vnd.docker.image.rootfs.diff.tar.gzip')
    const [item] = JSON.parse(archive.get('manifest.json')!.toString())
    expect(item.RepoTags).toEqual(['it:1'])
    expect(item.Layers.every((name: string) => archive.has(name))).toBe(true)
    expect(on.engine.images.list()).toEqual([])
    expect((await on.engine.images.load(at('d.tar')))[0]).toMatchObject({ id, names: ['docker.io/library/it:1'] })
  })

  test('docker has no room for several platforms, which is said before anything is built', async () => {
    rmSync(at('data'))
    await expect(build([{ type: 'docker', dest: at('d.tar') }], { platforms: BOTH })).rejects.toMatchObject({
      code: 'OUTPUT_INVALID',
      message: 'docker exporter does not support exporting manifest lists, use the oci exporter instead',
    })
  })

  test('a folder is a layout, and takes in one image after the other', async () => {
    const on = openTestEngine()
    const folder = (name: string): Output => ({ type: 'oci', dest: at('layout'), asFolder: true, names: [name] })
    await build([folder('a:1')], {}, on)
    await build([folder('b:2')], { labels: { x: 'y' } }, on)
    const list = JSON.parse(readFileSync(at('layout/index.json'), 'utf8')) as Index
    expect(list.manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'])).toEqual([
      '1',
      '2',
    ])
    expect(list.manifests[0]!.digest).not.toBe(list.manifests[1]!.digest)
  })

  test.skipIf(!findProgram('skopeo'))('is read by skopeo', async () => {
    await build([
      { type: 'oci', dest: at('o.tar'), names: ['x:1'] },
      { type: 'docker', dest: at('d.tar'), names: ['x:1'] },
    ])
    for (const [kind, file] of [
      ['oci-archive', 'o.tar'],
      ['docker-archive', 'd.tar'],
    ] as const) {
      const { stdout, stderr } = spawnSync('skopeo', ['inspect', `${kind}:${at(file)}`], { encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({ Labels: { a: 'b' }, Architecture: 'amd64' })
    }
  })
})

describe('annotations', () => {
  const annotations = [
    { on: 'manifest', key: 'm', value: '1' },
    { on: 'manifest', platform: parsePlatform('linux/arm64'), key: 'only', value: '2' },
    { on: 'manifest-descriptor', key: 'md', value: '3' },
    { on: 'index', key: 'i', value: '4' },
    { on: 'index-descriptor', key: 'id', value: '5' },
  ] as const

  test('are where they were asked for', async () => {
    await build([{ type: 'oci', dest: at('o.tar'), annotations }], { platforms: BOTH })
    const { list, root, blob } = documents(await readFile('o.tar'))
    expect(list.manifests[0]!.annotations).toMatchObject({ id: '5' })
    expect(root.annotations).toEqual({ i: '4' })
    expect(root.manifests.map((entry) => entry.annotations)).toEqual([{ md: '3' }, { md: '3' }])
    const manifests = root.manifests.map((entry) => JSON.parse(blob(entry.digest).toString()) as Manifest)
    expect(manifests.map((manifest) => manifest.annotations)).toEqual([{ m: '1' }, { m: '1', only: '2' }])
  })

  test('of an index need one', async () => {
    const work = build([{ type: 'image', annotations }])
    await expect(work).rejects.toThrow('index annotations not supported for single platform export')
  })
})

describe('files', () => {
  test('of one platform are at the top, of several in a folder of each', async () => {
    await build([{ type: 'local', dest: at('one') }])
    await build([{ type: 'local', dest: at('both') }], { platforms: BOTH })
    await build([{ type: 'local', dest: at('split'), platformSplit: true }])
    expect(readdirSync(at('one'))).toEqual(['data-amd64'])
    expect(readdirSync(at('both'))).toEqual(['linux_amd64', 'linux_arm64'])
    expect(readdirSync(at('both/linux_arm64'))).toEqual(['data-arm64'])
    expect(readdirSync(at('split'))).toEqual(['linux_amd64'])
  })

  test('of several share a folder when no two have the same name', async () => {
    const output: Output = { type: 'local', dest: at('all'), platformSplit: false }
    await build([output], { platforms: BOTH })
    expect(readdirSync(at('all'))).toEqual(['data-amd64', 'data-arm64'])
    writeFileSync(at('Dockerfile'), 'FROM scratch\nCOPY data /d/same\n')
    await expect(build([output], { platforms: BOTH })).rejects.toMatchObject({
      code: 'EXPORT_CONFLICT',
      message: 'cannot overwrite d/same from linux/amd64 with linux/arm64 when split option is disabled',
    })
  })

  test('go into a tar, which may be taken by whoever wants the bytes', async () => {
    const chunks: Uint8Array[] = []
    const dest = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of bytes) chunks.push(chunk)
    }
    const report = await build([
      { type: 'tar', dest },
      { type: 'tar', dest: at('t.tar') },
    ])
    expect((await read(chunks)).get('data-amd64')!.toString()).toMatch(/^words /)
    expect(Buffer.concat(chunks)).toEqual(readFileSync(at('t.tar')))
    expect(report.image).toBeUndefined()
  })

  test('take the epoch as their time, and their own times when an output says so', async () => {
    const day = 86_400
    await build(
      [
        { type: 'local', dest: at('a') },
        { type: 'local', dest: at('b'), epoch: null },
      ],
      { epoch: day },
    )
    expect(statSync(at('a/data-amd64')).mtimeMs).toBe(day * 1000)
    expect(statSync(at('b/data-amd64')).mtimeMs).toBeGreaterThan(day * 1000)
  })

  test('of an image without any are an empty folder', async () => {
    writeFileSync(at('Dockerfile'), 'FROM scratch\nLABEL a=b\n')
    await build([{ type: 'local', dest: at('none') }])
    expect(readdirSync(at('none'))).toEqual([])
  })
})

describe('an epoch', () => {
  const layersOf = async (
    output: Pick<Extract<Output, { type: 'image' }>, 'epoch' | 'rewriteTimestamp'>,
    epoch?: number,
  ) => {
    await build([{ type: 'oci', dest: at('o.tar'), ...output }], epoch === undefined ? {} : { epoch })
    const { root, blob } = documents(await readFile('o.tar'))
    const times: number[] = []
    for (const { digest } of root.layers)
      for await (const { entry } of readTar(bytesOf(blob(digest)))) times.push(entry.mtime.seconds)
    return { times, root, config: JSON.parse(blob(root.config.digest).toString()) }
  }

  test('is the latest time in layers, and the time of the image', async () => {
    const { times, config } = await layersOf({}, 1_000_000_000)
    expect(times).toEqual([1_000_000_000])
    expect(config.created).toBe('2001-09-09T01:46:40Z')
    expect(config.history.every((entry: { created: string }) => entry.created === config.created)).toBe(true)
  })

  test('leaves layers alone with rewrite-timestamp=false, and marks them with true', async () => {
    const kept = await layersOf({ rewriteTimestamp: false }, 1_000_000_000)
    expect(kept.times[0]).toBeGreaterThan(1_000_000_000)
    expect(kept.config.created).toBe('2001-09-09T01:46:40Z')
    const { root } = await layersOf({ rewriteTimestamp: true }, 1_000_000_000)
    expect(root.layers[0]!.annotations).toEqual({ 'buildkit/rewritten-timestamp': '1000000000' })
  })

  test('comes from the Dockerfile too, and an output may do without', async () => {
    writeFileSync(at('Dockerfile'), 'ARG SOURCE_DATE_EPOCH=1000000000\nFROM scratch\nCOPY data /\n')
    expect((await layersOf({})).config.created).toBe('2001-09-09T01:46:40Z')
    expect((await layersOf({ epoch: null })).times[0]).toBeGreaterThan(1_000_000_000)
    writeFileSync(at('Dockerfile'), 'ARG SOURCE_DATE_EPOCH=soon\nFROM scratch\nCOPY data /\n')
    await expect(layersOf({})).rejects.toThrow('invalid SOURCE_DATE_EPOCH: soon')
  })
})

test('several outputs come of one build; cacheonly leaves nothing but the cache', async () => {
  const on = openTestEngine()
  const first = await build([{ type: 'cacheonly' }], { tags: ['it'] }, on)
  expect(isDigest(first.id)).toBe(true)
  expect(first.image).toBeUndefined()
  expect(on.engine.images.list()).toEqual([])
  const outputs: Output[] = [{ type: 'image' }, { type: 'local', dest: at('out') }, { type: 'oci', dest: at('o.tar') }]
  const { cachedSteps, id } = await build(outputs, { tags: ['it'] }, on)
  expect(cachedSteps).toBe(1)
  expect(on.engine.images.list().map((image) => image.id)).toEqual([id])
  expect(existsSync(at('out/data-amd64'))).toBe(true)
  expect(existsSync(at('o.tar'))).toBe(true)
})

test('squashing keeps the files and the history', async () => {
  writeFileSync(at('Dockerfile'), 'FROM scratch\nCOPY data /a\nCOPY data /b\nENV c=d\n')
  const { engine } = openTestEngine()
  await engine.build({ context: work, tags: ['it'], squash: 'new' })
  const steps = engine.images.history('it')
  expect(steps.map(({ createdBy }) => createdBy)).toEqual([
    '',
    'ENV c=d',
    'COPY data /b # buildkit',
    'COPY data /a # buildkit',
  ])
  expect(steps.map(({ comment }) => comment)[0]).toBe('squashed 2 layers')
  await engine.build({ context: work, squash: 'all', outputs: [{ type: 'oci', dest: at('o.tar') }] })
  expect(documents(await readFile('o.tar')).root.layers).toHaveLength(1)
})

describe('building again to see whether it comes out the same', () => {
  test('says yes of files that are copied, and leaves the cache alone', async () => {
    const on = openTestEngine()
    const { verification, cachedSteps } = await build([{ type: 'image' }], { verifyReproducible: true, epoch: 1 }, on)
    expect(verification).toEqual({ reproducible: true, differences: [] })
    expect(cachedSteps).toBe(0)
    expect((await build([{ type: 'image' }], { epoch: 1 }, on)).cachedSteps).toBe(1)
  })
})
