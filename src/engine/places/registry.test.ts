import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, digestHex } from '../../core/index.ts'
import { type Descriptor, type Index, MEDIA, parsePlatform } from '../../oci/index.ts'
import { listed, makeSample } from '../../oci/repository.suite.ts'
import { hasDockerRegistry, type RunningRegistry, startDockerRegistry } from '../../registry/docker-registry.suite.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { createOciLayout, openOciLayout } from '../../transfer/index.ts'
import { type Engine, openEngine } from '../index.ts'

// Debian's docker-registry is the other side
const describeWithRegistry = describe.skipIf(!hasDockerRegistry)

let registry: RunningRegistry
let base: string
let engine: Engine
const sample = makeSample()
const { manifests: platforms } = JSON.parse(sample.index.bytes.toString()) as { manifests: Descriptor[] }
const [amd64, arm64] = platforms as [Descriptor, Descriptor]
const at = (name: string): string => path.join(base, name)
const named = (name: string): string => `${registry.domain}/${name}`

beforeAll(async () => {
  if (hasDockerRegistry) registry = await startDockerRegistry()
})
afterAll(async () => {
  if (hasDockerRegistry) await registry[Symbol.asyncDispose]()
})
beforeEach(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'slipway-places-'))
  const env = { HOME: base, DOCKER_CONFIG: at('docker') }
  engine = openEngine({ root: temporaryStore().root, registries: { env, home: base, etc: at('etc') } })
  const layout = await createOciLayout(at('source'))
  for (const { descriptor, bytes } of sample.contents) await layout.write(descriptor, bytesOf(bytes))
  await layout.tag('1', sample.index.descriptor)
})
afterEach(() => {
  engine[Symbol.dispose]()
  rmSync(base, { recursive: true, force: true })
})

const push = (name: string, platform: 'all' | 'arm64' | 'amd64' = 'all'): ReturnType<Engine['copy']> =>
  engine.copy({
    from: `oci:${at('source')}:1`,
    to: `docker://${named(name)}`,
    platform: platform === 'all' ? 'all' : parsePlatform(`linux/${platform}`),
  })

describeWithRegistry('copies', () => {
  test('to a registry, within it and back, with signatures', async () => {
    const tour = [`oci:${at('source')}:1`, `docker://${named('a/one:1')}`, `docker://${named('b/two:1')}`, 'app:1']
    for (const [i, to] of [...tour, `oci:${at('end')}:1`].entries()) {
      if (i === 0) continue
      const report = await engine.copy({ from: tour[i - 1]!, to, platform: 'all', referrers: true })
      expect(report).toMatchObject({ root: sample.index.descriptor, referrers: 1 })
    }
    const end = await openOciLayout(at('end'))
    expect(await listed(end.referrers(sample.manifest.descriptor))).toHaveLength(1)
  })

  test('more tags, and a digest that must be met', async () => {
    const from = `oci:${at('source')}:1`
    const to = `docker://${named('tags:1')}`
    await engine.copy({ from, to, platform: 'all', moreNames: ['2', 'latest'] })
    expect(await engine.registries.tags({ repository: named('tags') })).toEqual(['1', '2', 'latest'])
    const { digest } = sample.index.descriptor
    await engine.copy({ from, to: `docker://${named(`pinned@${digest}`)}`, platform: 'all' })
    const other = `docker://${named(`pinned@sha256:${'a'.repeat(64)}`)}`
    await expect(engine.copy({ from, to: other, platform: 'all' })).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    await expect(engine.copy({ from, to, moreNames: ['a/b'] })).rejects.toMatchObject({ code: 'REFERENCE_INVALID' })
  })

  test('what is not there', async () => {
    const request = { from: `docker://${named('none:1')}`, to: `dir:${at('dir')}` }
    await expect(engine.copy(request)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })
})

describeWithRegistry('indexes', () => {
  const entriesOf = (bytes: Buffer): Index => JSON.parse(bytes.toString()) as Index

  test('of two images, in another repository, under two names', async () => {
    await push('parts/amd64:1', 'amd64')
    await push('parts/arm64:1', 'arm64')
    const sources = [named('parts/amd64:1'), named('parts/arm64:1')]
    const names = [named('whole:1'), named('whole:2')]
    const made = await engine.indexes.create({ sources, names })
    expect(entriesOf(made.bytes).manifests).toMatchObject([
      { digest: amd64.digest, platform: { os: 'linux', architecture: 'amd64' } },
      { digest: arm64.digest, platform: { os: 'linux', architecture: 'arm64' } },
    ])
    for (const name of names) {
      expect(await engine.indexes.inspect({ name, details: true })).toMatchObject({
        name,
        descriptor: made.descriptor,
        platforms: [{ platform: 'linux/amd64', config: { architecture: 'amd64' } }, { platform: 'linux/arm64' }],
      })
    }
    expect((await engine.copy({ from: `docker://${names[0]}`, to: 'whole' })).root.mediaType).toBe(MEDIA.ociManifest)
  })

  test('grow, and lose platforms', async () => {
    await push('grow:1', 'amd64')
    await push('grow:arm', 'arm64')
    const names = [named('grow:1')]
    await engine.indexes.create({ sources: [arm64.digest], names, append: true })
    const { manifests } = await engine.indexes.inspect({ name: names[0]! })
    expect(manifests.map(({ digest }) => digest)).toEqual([amd64.digest, arm64.digest])
    const platforms = [parsePlatform('linux/arm64')]
    const { bytes } = await engine.indexes.create({ sources: names, names: [], platforms, dryRun: true })
    expect(entriesOf(bytes).manifests).toHaveLength(1)
  })

  test('between any places, without what is not there', async () => {
    await engine.copy({ from: `oci:${at('source')}:1`, to: 'app', platform: parsePlatform('linux/amd64') })
    const sources = ['store:app', `oci:${at('source')}:1`]
    await engine.indexes.create({ sources, names: [`oci:${at('end')}:all`, named('mixed:1'), 'store:both'] })
    const { manifests } = await engine.indexes.inspect({ name: named('mixed:1') })
    expect(manifests).toHaveLength(2)
    expect((await engine.indexes.inspect({ name: 'both' })).manifests).toEqual(manifests)
  })

  test('a descriptor says what the platform is', async () => {
    await push('described:1', 'amd64')
    const source = JSON.stringify({ digest: amd64.digest, platform: { os: 'linux', architecture: 'riscv64' } })
    const { bytes } = await engine.indexes.create({ sources: [source], names: [named('described:2')] })
    expect(entriesOf(bytes).manifests).toMatchObject([
      { digest: amd64.digest, size: amd64.size, platform: { architecture: 'riscv64' } },
    ])
  })

  test.each([
    [{ sources: [], names: ['x'] }, 'no sources specified'],
    [{ sources: ['x'], names: [] }, "can't push with no tags specified, please set --tag or --dry-run"],
    [{ sources: [amd64.digest], names: ['x', 'y'] }, 'multiple repositories specified, cannot determine repository'],
    [{ sources: ['{"digest":"../../etc"}'], names: ['x'] }, 'invalid index'],
    [{ sources: ['{}'], names: ['x'] }, 'invalid index'],
  ])('%j', async (request, words) => {
    await expect(engine.indexes.create(request)).rejects.toThrow(words)
  })
})

describeWithRegistry('manifest lists', () => {
  const lists = (): string[] => readdirSync(at('docker/manifests'))

  test('wait beside config.json until they are pushed', async () => {
    await push('parts/amd64:1', 'amd64')
    await push('parts/arm64:1', 'arm64')
    const list = named('list:1')
    const { manifestLists } = engine
    expect(await manifestLists.create({ list, manifests: [named('parts/amd64:1')] })).toBe(list)
    const again = { list, manifests: [named('parts/arm64:1')] }
    await expect(manifestLists.create(again)).rejects.toMatchObject({ code: 'LIST_EXISTS' })
    await manifestLists.create({ ...again, amend: true })
    await manifestLists.annotate({ list, manifest: named('parts/arm64:1'), variant: 'v8', osFeatures: ['a'] })
    const waiting = await manifestLists.inspect({ name: list })
    expect(waiting.manifests.map(({ descriptor }) => descriptor.platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8', 'os.features': ['a'] },
    ])
    expect(lists()).toEqual([list.replaceAll(':', '-').replaceAll('/', '_')])
    const { digest, pushed } = await manifestLists.push({ list, purge: true })
    expect(pushed.map((each) => each.digest)).toEqual([amd64.digest, arm64.digest])
    expect(lists()).toEqual([])
    expect(await manifestLists.inspect({ name: list })).toMatchObject({ mediaType: MEDIA.ociIndex })
    expect((await engine.indexes.inspect({ name: list })).descriptor.digest).toBe(digest)
    await expect(manifestLists.push({ list })).rejects.toThrow(`No such manifest: ${list}`)
  })

  test('Docker’s words for what cannot be', async () => {
    await push('multi:1')
    await push('one:1', 'amd64')
    const { manifestLists } = engine
    const [list, one] = [named('bad:1'), named('one:1')]
    const create = (...manifests: string[]): Promise<string> => manifestLists.create({ list, manifests })
    await expect(create(named('multi:1'))).rejects.toThrow('multi:1 is a manifest list')
    await expect(create(named('none:1'))).rejects.toThrow(`no such manifest: ${named('none:1')}`)
    await expect(manifestLists.annotate({ list, manifest: one })).rejects.toThrow('does not exist in')
    await create(one)
    await expect(manifestLists.annotate({ list, manifest: one, architecture: 'abacus' })).rejects.toThrow(
      'manifest entry for image has unsupported os/arch combination: /abacus',
    )
    await manifestLists.create({ list: 'foo/bar', manifests: [one] })
    await expect(manifestLists.push({ list: 'foo/bar' })).rejects.toThrow(
      `cannot use source images from a different registry than the target image: ${registry.domain} != docker.io`,
    )
    await manifestLists.remove(list)
    await expect(manifestLists.remove(list)).rejects.toThrow('No such manifest')
  })

  test('files that someone changed are not believed', async () => {
    await push('one:1', 'amd64')
    const [list, one] = [named('spoiled:1'), named('one:1')]
    await engine.manifestLists.create({ list, manifests: [one] })
    const folder = path.join(at('docker/manifests'), lists()[0]!)
    const file = path.join(folder, readdirSync(folder)[0]!)
    const text = readFileSync(file, 'utf8')
    const inspect = (): Promise<unknown> => engine.manifestLists.inspect({ name: list })
    writeFileSync(file, text.replace(digestHex(amd64.digest), 'b'.repeat(64)))
    await expect(inspect()).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    writeFileSync(file, '{"Ref":1}')
    await expect(inspect()).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    writeFileSync(at('elsewhere'), text)
    rmSync(file)
    symlinkSync(at('elsewhere'), file)
    await expect(inspect()).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })
})

describeWithRegistry('tags', () => {
  test('go one by one, or with what they stand for', async () => {
    const from = `oci:${at('source')}:1`
    await engine.copy({ from, to: `docker://${named('old:1')}`, platform: 'all', moreNames: ['2', '3'] })
    const repository = named('old')
    expect(await engine.registries.removeTag({ name: `${repository}:1` })).toEqual({ name: `${repository}:1` })
    expect(await engine.registries.tags({ repository })).toEqual(['2', '3'])
    const removed = await engine.registries.removeTag({ name: `${repository}:2`, withManifest: true })
    expect(removed.deleted).toBe(sample.index.descriptor.digest)
    const left = await engine.registries.tags({ repository }).catch(() => [])
    expect(left).not.toContain('2')
  })

  test.each([
    ['old', 'has no tag'],
    [`old@${amd64.digest}`, 'is a manifest, not a tag'],
  ])('%s is none', async (name, words) => {
    await expect(engine.registries.removeTag({ name: named(name) })).rejects.toThrow(words)
    await expect(engine.registries.tags({ repository: named('old:1') })).rejects.toThrow('not a repository')
  })
})

describeWithRegistry('search', () => {
  test('a registry without a search is asked for its catalog', async () => {
    await push('team/searched:1', 'amd64')
    await push('team/other:1', 'amd64')
    const find = (term: string, limit?: number): ReturnType<Engine['registries']['search']> =>
      engine.registries.search({ term: named(term), ...(limit ? { limit } : {}) })
    expect((await find('searched')).map(({ name }) => name)).toEqual([named('team/searched')])
    expect(await find('team/', 1)).toHaveLength(1)
    expect(await find('nothing')).toEqual([])
    await expect(find('x', 101)).rejects.toThrow('limit 101 is outside the range of [1, 100]')
  })

  test('Docker’s words for a scheme', async () => {
    await expect(engine.registries.search({ term: 'https://x/y' })).rejects.toThrow('should not have a scheme')
  })
})
