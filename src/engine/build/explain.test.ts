import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostPlatform } from '../../oci/index.ts'
import { canRun, openBusyboxEngine, openTestEngine } from '../fixture.suite.ts'
import type { BuildReport, BuildRequest, Engine, ExplainedStep } from '../index.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-explain-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
}

async function build(engine: Engine, dockerfile: string, more: Partial<BuildRequest> = {}): Promise<BuildReport> {
  write({ Dockerfile: dockerfile })
  return engine.build({ context: folder, ...more })
}

/** Each step as its result and what differs, in short. */
const short = (steps: readonly ExplainedStep[]): string[] =>
  steps.map(({ result, differences, sameResult }) =>
    [result, ...differences.map((each) => ('name' in each ? `${each.part} ${each.name}` : each.part))]
      .concat(sameResult ? ['same result'] : [])
      .join(', '),
  )

describe('a build without RUN', () => {
  test('says what is new, what was found, and which files changed', async () => {
    const { engine } = openTestEngine()
    const text = 'FROM scratch\nWORKDIR /w\nCOPY app /app\nCOPY other /other\n'
    write({ 'app/a': '1', 'app/b': '2', other: '3' })
    expect(short((await build(engine, text)).explanation)).toEqual(['MISS, new', 'MISS, new', 'MISS, new'])
    expect(short((await build(engine, text)).explanation)).toEqual(['HIT', 'HIT', 'HIT'])
    write({ 'app/a': '11', 'app/c': '' })
    const { explanation } = await build(engine, text)
    expect(short(explanation)).toEqual(['HIT', 'MISS, file app/a, file app/c', 'MISS, base'])
    expect(explanation[1]!.differences[0]).toMatchObject({ change: 'changed', old: { size: 1 }, new: { size: 2 } })
    expect(explanation[2]!.differences[0]).toMatchObject({ because: '[2/3] COPY app /app gave another result' })
  })

  test('says of a changed instruction what changed, and nothing of what did not', async () => {
    const { engine } = openTestEngine()
    write({ a: '1' })
    await build(engine, 'FROM scratch\nCOPY a /one\n')
    const { explanation } = await build(engine, 'FROM scratch\nLABEL x=y\nCOPY --chmod=600 a /two\n')
    expect(explanation.map((step) => step.differences)).toEqual([
      [
        { part: 'destination', old: '/one', new: '/two' },
        { part: 'chmod', new: '600' },
      ],
    ])
  })

  test('says that the cache was not asked, but for WORKDIR', async () => {
    const { engine } = openTestEngine()
    write({ a: '1' })
    const text = 'FROM scratch AS one\nWORKDIR /w\nCOPY a /a\nFROM scratch\nCOPY --from=one /a /b\n'
    const first = await build(engine, text)
    const all = await build(engine, text, { noCache: true })
    expect(short(all.explanation)).toEqual(['HIT', 'MISS, no-cache, same result', 'MISS, no-cache, same result'])
    expect(all.id).not.toBe(first.id)
    const some = await build(engine, text, { noCacheFilter: ['ONE'] })
    expect(short(some.explanation)).toEqual(['HIT', 'MISS, no-cache, same result', 'HIT'])
    const none = await build(engine, text, { noCacheFilter: ['two'] })
    expect(short(none.explanation)).toEqual(['HIT', 'HIT', 'HIT'])
  })

  test('says that a step was pruned', async () => {
    const { engine } = openTestEngine()
    write({ a: '1' })
    await build(engine, 'FROM scratch\nCOPY a /\n')
    const { records } = await engine.cache.prune({ all: true, filters: { type: ['regular'] } })
    expect(records).toHaveLength(1)
    const { explanation } = await build(engine, 'FROM scratch\nCOPY a /\n')
    expect(explanation[0]!.differences).toMatchObject([{ part: 'evicted', reason: 'pruned' }])
  })

  test('is remembered, also when it failed', async () => {
    const { engine } = openTestEngine()
    expect(engine.builds.latest()).toBeUndefined()
    write({ a: '1' })
    await expect(build(engine, 'FROM scratch\nCOPY a /\nCOPY missing /\n')).rejects.toThrow('not found')
    const latest = engine.builds.latest()!
    expect(latest).toMatchObject({ status: 'error', context: folder })
    expect(short(latest.explanation)).toEqual(['MISS, new', 'FAILED, new'])
  })
})

describe('the build cache', () => {
  test('is listed with what images share, and pruned but for that', async () => {
    const { engine } = openTestEngine()
    write({ a: 'x'.repeat(5000), b: 'y'.repeat(6000) })
    await build(engine, 'FROM scratch AS one\nCOPY b /\nFROM scratch\nCOPY a /\nCOPY --from=one /b /c\n')
    const { records, total, ...usage } = await engine.cache.usage({ type: ['regular'] })
    expect(records.map(({ shared }) => shared).sort()).toEqual([false, true, true])
    expect(usage.shared + usage.private).toBe(total)
    const pruned = await engine.cache.prune()
    expect(pruned.records.map(({ description }) => description)).toContain('[one 1/1] COPY b /')
    expect(pruned.bytes).toBeGreaterThan(6000)
    expect((await engine.cache.usage({ type: ['regular'] })).records).toHaveLength(2)
    expect((await engine.cache.prune({ all: true })).bytes).toBeGreaterThan(0)
    expect((await engine.cache.usage()).total).toBe(0)
  })

  test('keeps as much as is asked for, what was used last', async () => {
    const { engine } = openTestEngine()
    for (const name of ['a', 'b', 'c']) {
      write({ [name]: name.repeat(10_000) })
      await build(engine, `FROM scratch\nCOPY ${name} /\n`)
    }
    const { records } = await engine.cache.prune({ all: true, filters: { type: ['regular'] }, maxUsedSpace: 15_000 })
    expect(records.map(({ description }) => description)).toEqual(['[1/1] COPY a /', '[1/1] COPY b /'])
    expect((await engine.cache.prune({ all: true, maxUsedSpace: 1, reservedSpace: 50_000 })).records).toEqual([])
  })

  test('is filtered', async () => {
    const { engine } = openTestEngine()
    write({ a: '1' })
    await build(engine, 'FROM scratch\nCOPY a /\n')
    const count = async (filters: Record<string, string[]>) => (await engine.cache.usage(filters)).records.length
    const [step] = (await engine.cache.usage({ type: ['regular'] })).records
    expect(step!.id).toMatch(/^[0-9a-z]{25}$/)
    expect(await count({ id: [step!.id] })).toBe(1)
    expect(await count({ description: ['COPY a'], until: ['1h'] })).toBe(0)
    expect(await count({ description: ['COPY a'], 'until!': ['1h'] })).toBe(1)
    expect(await count({ type: ['regular'], shared: ['false'] })).toBe(0)
    expect(await count({ 'description~': ['^COPY \\w /|] COPY a'] })).toBe(1)
    await expect(count({ 'description~': ['('] })).rejects.toThrow('invalid pattern')
    await expect(count({ 'until~': ['1h'] })).rejects.toThrow("invalid filter 'until~'")
    await expect(count({ nonsense: ['1'] })).rejects.toThrow("invalid filter 'nonsense'")
  })
})

describe('a cache in the image', () => {
  const text = 'FROM scratch AS one\nCOPY a /\nFROM scratch\nCOPY --from=one /a /b\nWORKDIR /w\n'
  const inline = { cacheTo: [{ type: 'inline', attributes: {} }], tags: ['127.0.0.1:1/app:1'] }
  const from: Partial<BuildRequest> = { cacheFrom: [{ type: 'registry', attributes: { ref: '127.0.0.1:1/app:1' } }] }

  test.each<[string, Partial<BuildRequest>]>([
    ['as asked', inline],
    ['for this machine', { ...inline, platforms: [] }],
    ['by build argument', { tags: ['127.0.0.1:1/app:1'], buildArgs: { BUILDKIT_INLINE_CACHE: '1' } }],
    ['for two platforms', { ...inline, platforms: [hostPlatform(), { os: 'linux', architecture: 's390x' }] }],
  ])('goes with it to another store: %s', async (_what, request) => {
    write({ a: '1' })
    const { engine } = openTestEngine()
    const first = await build(engine, text, request)
    expect((await build(engine, text, request)).digest).toBe(first.digest)
    const { engine: other } = openTestEngine()
    await other.images.load(engine.images.save(['127.0.0.1:1/app:1']))
    const { platforms, buildArgs } = request
    const again = { ...from, ...(platforms ? { platforms } : {}), ...(buildArgs ? { buildArgs } : {}) }
    const { explanation } = await build(other, text, again)
    expect(explanation.filter(({ label }) => !label.includes('one 1/1')).map(({ result }) => result)).not.toContain(
      'MISS',
    )
  })

  test('of an image that has none, or is not there, is a warning', async () => {
    write({ a: '1' })
    const { engine } = openTestEngine()
    const warnings: string[] = []
    const job = {
      progress: (event: { type: string; message?: string }) =>
        void (event.type === 'warning' && warnings.push(event.message!)),
    }
    write({ Dockerfile: text })
    await engine.build({ context: folder, ...from }, job)
    await engine.build({ context: folder, tags: ['127.0.0.1:1/app:1'] }, job)
    await engine.build({ context: folder, ...from }, job)
    expect(warnings).toEqual([
      expect.stringContaining('the build cache in 127.0.0.1:1/app:1 is not used: '),
      'the build cache in 127.0.0.1:1/app:1 is not used: the image has no build cache in it',
    ])
  })

  test('has nothing that is not in the image', async () => {
    write({ a: '1' })
    const { engine, store } = openTestEngine()
    const { id } = await build(engine, text, { ...inline, squash: 'new' })
    const config = JSON.parse(Buffer.from(store.blobs.readWhole(id)).toString()) as Record<string, string>
    const cache = JSON.parse(Buffer.from(config['moby.buildkit.cache.v0']!, 'base64').toString()) as { layers: [] }
    expect(cache.layers).toEqual([])
  })
})

describe('a cache in a folder', () => {
  const to = (attributes: Record<string, string> = {}): Partial<BuildRequest> => ({
    cacheTo: [{ type: 'local', attributes: { dest: path.join(folder, 'out'), ...attributes } }],
  })
  const from = (attributes: Record<string, string> = {}): Partial<BuildRequest> => ({
    cacheFrom: [{ type: 'local', attributes: { src: path.join(folder, 'out'), ...attributes } }],
  })
  const text = 'FROM scratch AS one\nCOPY a /\nFROM scratch\nCOPY --from=one /a /b\n'

  test.each([
    ['gzip', { mode: 'max' }],
    ['zstd', { mode: 'max', compression: 'zstd', 'compression-level': '1' }],
    ['plain', { mode: 'max', compression: 'uncompressed', tag: 'own', 'image-manifest': 'false' }],
  ])('%s: another store takes all steps from it, and gives the same image', async (_what, attributes) => {
    write({ a: '1', '.dockerignore': 'out' })
    const first = await build(openTestEngine().engine, text, to(attributes))
    const { engine } = openTestEngine()
    const second = await build(engine, text, from('tag' in attributes ? { tag: attributes.tag as string } : {}))
    expect(short(second.explanation)).toEqual(['HIT', 'HIT'])
    expect(second.digest).toBe(first.digest)
    expect(short((await build(engine, text)).explanation)).toEqual(['HIT', 'HIT'])
  })

  test('of mode min has the steps of the image alone', async () => {
    write({ a: '1', '.dockerignore': 'out' })
    await build(openTestEngine().engine, text, to())
    const { explanation } = await build(openTestEngine().engine, text, from())
    expect(explanation.map(({ result }) => result)).toEqual(['MISS', 'HIT'])
  })

  test('that is not there is a warning, and the build goes on', async () => {
    write({ a: '1' })
    const codes: string[] = []
    const { engine } = openTestEngine()
    write({ Dockerfile: text })
    const job = { progress: (event: { type: string; code?: string }) => void codes.push(event.code ?? '') }
    await engine.build({ context: folder, ...from() }, job)
    expect(codes).toContain('CACHE_IMPORT_FAILED')
  })

  test('that cannot be written fails, unless it may', async () => {
    write({ a: '1', out: 'a file' })
    const { engine } = openTestEngine()
    await expect(build(engine, text, to())).rejects.toThrow('out')
    await build(engine, text, to({ 'ignore-error': 'true' }))
  })

  test.each<[string, Partial<BuildRequest>, string]>([
    ['no folder', { cacheTo: [{ type: 'local', attributes: {} }] }, 'local cache exporter requires dest'],
    ['no source', { cacheFrom: [{ type: 'local', attributes: {} }] }, 'local cache importer requires src'],
    ['no name', { cacheFrom: [{ type: 'registry', attributes: {} }] }, 'registry cache importer requires ref'],
    ['nonsense', { cacheTo: [{ type: 'x', attributes: {} }] }, 'unknown cache exporter: "x"'],
    [
      'no name to write to',
      { cacheTo: [{ type: 'registry', attributes: {} }] },
      'registry cache exporter requires ref',
    ],
    ['a service', { cacheTo: [{ type: 'gha', attributes: {} }] }, 'not supported'],
    ['a mode', { cacheTo: [{ type: 'local', attributes: { dest: 'x', mode: 'mid' } }] }, 'invalid mode "mid"'],
    ['a compression', { cacheTo: [{ type: 'local', attributes: { dest: 'x', compression: 'xz' } }] }, 'xz'],
    [
      'a truth',
      { cacheTo: [{ type: 'local', attributes: { dest: 'x', 'ignore-error': 'x' } }] },
      'failed to parse ignore-error',
    ],
    [
      'other types',
      { cacheTo: [{ type: 'local', attributes: { dest: 'x', 'oci-mediatypes': 'false' } }] },
      'not supported',
    ],
    ['a reset', { cacheTo: [{ type: 'local', attributes: { dest: 'x', reset: 'true' } }] }, 'not supported'],
  ])('%s is refused before anything is built', async (_what, request, message) => {
    await expect(build(openTestEngine().engine, 'nothing', request)).rejects.toThrow(message)
  })
})

describe.skipIf(!canRun)('a RUN that is done again', { timeout: 60_000 }, () => {
  const text = (comment: string, content = 'same'): string =>
    `FROM busybox\nRUN echo ${content} > /f # ${comment}\nRUN cat /f > /g\n`

  test('with the same result keeps the cache of what follows', async () => {
    const { engine, store } = await openBusyboxEngine()
    const first = await build(engine, text('one'))
    await new Promise((resolve) => setTimeout(resolve, 1100)) // another second for the file
    const second = await build(engine, text('two'))
    expect(short(second.explanation)).toEqual(['HIT', 'MISS, command, same result', 'HIT'])
    const layers = (id: string): readonly string[] =>
      store.images.config(store.images.find(id)!.image, hostPlatform()).config.rootfs.diff_ids
    expect(layers(second.id)).toEqual(layers(first.id))
    const third = await build(engine, text('two', 'other'))
    expect(short(third.explanation)).toEqual(['HIT', 'MISS, command', 'MISS, base'])
  })

  test('without the cache and with the same result gives a new image of the same layers, however often', async () => {
    const { engine } = await openBusyboxEngine()
    const ids = [(await build(engine, text('one'))).id]
    for (let round = 0; round < 2; round++) {
      await new Promise((resolve) => setTimeout(resolve, 1100))
      const { id, explanation } = await build(engine, text('one'), { noCache: true })
      const anew = 'MISS, no-cache, same result'
      expect(short(explanation)).toEqual(['HIT', anew, anew])
      ids.push(id)
    }
    expect(new Set(ids).size).toBe(3)
    expect((await build(engine, text('one'))).id).toBe(ids[2])
  })

  test('says which variable changed, and hides those that sound like secrets', async () => {
    const { engine } = await openBusyboxEngine()
    const dockerfile = 'FROM busybox\nARG MODE\nARG API_TOKEN\nRUN true\n'
    const values = (MODE: string, API_TOKEN: string): Partial<BuildRequest> => ({ buildArgs: { MODE, API_TOKEN } })
    await build(engine, dockerfile, values('one', 'geheim-1'))
    const { explanation } = await build(engine, dockerfile, values('two', 'geheim-2'))
    expect(explanation[1]!.differences).toEqual([
      { part: 'variable', from: 'ARG', name: 'MODE', old: 'one', new: 'two' },
      { part: 'variable', from: 'ARG', name: 'API_TOKEN', old: '****', new: '****' },
    ])
    expect(JSON.stringify(engine.builds.latest())).not.toContain('geheim')
  })

  test('that failed is not compared with what it left behind', async () => {
    const { engine } = await openBusyboxEngine()
    const text = 'FROM busybox\nARG OK\nRUN test "$OK"\n'
    for (const round of [1, 2]) {
      await expect(build(engine, text)).rejects.toThrow('exit code: 1')
      const [latest] = engine.builds.list()
      expect(latest!.explanation.at(-1), `round ${round}`).toMatchObject({
        result: 'FAILED',
        differences: [{ part: 'new' }],
      })
    }
    const { explanation } = await build(engine, text, { buildArgs: { OK: 'yes' } })
    expect(explanation.at(-1)!.differences).toEqual([{ part: 'new' }])
  })

  test('says which file of a mount changed, in a context or in a stage', async () => {
    const { engine } = await openBusyboxEngine()
    const text = (content: string): string =>
      `FROM busybox AS tools\nRUN mkdir /t && echo ${content} > /t/f\nFROM busybox\n` +
      'RUN --mount=from=tools,source=/t,target=/tools cat /tools/f > /g\n'
    await build(engine, text('one'))
    const { explanation } = await build(engine, text('two'))
    expect(explanation.at(-1)!.differences).toMatchObject([
      { part: 'file', name: 't/f', mount: '/tools', change: 'changed' },
    ])
  })

  test('in two builds at once is done once', async () => {
    const { engine, store } = await openBusyboxEngine()
    using other = (await import('../index.ts')).openEngine({ root: store.root })
    const dockerfile = 'FROM busybox\nRUN sleep 0.3; head -c 16 /dev/urandom > /random\n'
    const [one, two] = await Promise.all([build(engine, dockerfile), build(other, dockerfile)])
    expect(two.digest).toBe(one.digest)
    expect(short([...one.explanation, ...two.explanation]).filter((each) => each === 'MISS, new')).toHaveLength(1)
  })
})
