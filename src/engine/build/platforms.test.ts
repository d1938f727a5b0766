import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseConfig, parseIndex, parseManifest, parsePlatform } from '../../oci/index.ts'
import { canRun, openBusyboxEngine, openTestEngine } from '../fixture.suite.ts'
import type { BuildReport, BuildRequest, Engine, ProgressEvent } from '../index.ts'

let context: string

beforeEach(() => {
  context = mkdtempSync(path.join(os.tmpdir(), 'slipway-platforms-'))
})

afterEach(() => rmSync(context, { recursive: true, force: true }))

async function build(
  engine: Engine,
  files: Readonly<Record<string, string>>,
  request: Partial<BuildRequest> & { on: readonly string[] },
): Promise<BuildReport & { started: string[] }> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(context, name)), { recursive: true })
    writeFileSync(path.join(context, name), text)
  }
  const started: string[] = []
  const progress = (event: ProgressEvent): void => void (event.type === 'started' && started.push(event.name))
  const { on, ...rest } = request
  const platforms = on.map((text) => parsePlatform(text))
  const report = await engine.build({ context, platforms, ...rest }, { progress })
  return { ...report, started }
}

const COPY_ONLY = {
  Dockerfile: 'FROM scratch\nARG TARGETPLATFORM TARGETARCH\nCOPY data-$TARGETARCH /data\nLABEL p=$TARGETPLATFORM\n',
  'data-amd64': 'for amd64',
  'data-arm64': 'for arm64',
  'data-s390x': 'for s390x',
}

describe('several platforms', () => {
  test('make one index, each with its own arguments, without running anything', async () => {
    const { engine, store } = openTestEngine()
    const { digest } = await build(engine, COPY_ONLY, { on: ['linux/amd64', 'linux/arm64'], tags: ['both'] })
    const image = store.images.named('docker.io/library/both:latest')!
    expect(image.descriptor.digest).toBe(digest)
    const index = parseIndex(store.blobs.readWhole(digest), image.descriptor.mediaType)
    expect(index.manifests.map(({ platform }) => ({ ...platform }))).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ])
    const configs = index.manifests.map((entry) =>
      parseConfig(store.blobs.readWhole(parseManifest(store.blobs.readWhole(entry.digest)).config.digest)),
    )
    expect(configs.map(({ architecture }) => architecture)).toEqual(['amd64', 'arm64'])
    expect(configs.map(({ config }) => config?.Labels)).toEqual([{ p: 'linux/amd64' }, { p: 'linux/arm64' }])
    expect(configs[0]!.rootfs.diff_ids).not.toEqual(configs[1]!.rootfs.diff_ids)
  })

  test('are named in progress, and one alone is not', async () => {
    const { engine } = openTestEngine()
    const two = await build(engine, COPY_ONLY, { on: ['linux/amd64', 'linux/arm64'] })
    expect(two.started).toEqual(
      expect.arrayContaining(['[linux/amd64 1/1] COPY data-amd64 /data', '[linux/arm64 1/1] COPY data-arm64 /data']),
    )
    const one = await build(engine, COPY_ONLY, { on: ['linux/s390x'] })
    expect(one.started).toContain('[1/1] COPY data-s390x /data')
  })

  test('an image is for what was asked for, else for what its base is for', async () => {
    const { engine, store } = openTestEngine()
    const platformOf = async (Dockerfile: string, on: readonly string[]): Promise<string> => {
      const { digest } = await build(engine, { Dockerfile }, { on, tags: ['made'] })
      const { config } = parseManifest(store.blobs.readWhole(digest))
      return parseConfig(store.blobs.readWhole(config.digest)).architecture
    }
    expect(await platformOf('FROM scratch\nLABEL a=b\n', ['linux/s390x'])).toBe('s390x')
    expect(await platformOf('FROM --platform=linux/s390x made\nLABEL a=c\n', [])).toBe('s390x')
    expect(await platformOf('FROM --platform=linux/s390x made\nLABEL a=c\n', ['linux/riscv64'])).toBe('riscv64')
    expect(await platformOf('FROM --platform=linux/ppc64le scratch\nLABEL a=c\n', ['linux/riscv64'])).toBe('riscv64')
  })

  test('count once when they are the same', async () => {
    const { engine, store } = openTestEngine()
    const { digest } = await build(engine, COPY_ONLY, { on: ['linux/arm64', 'linux/arm64/v8', 'aarch64'] })
    expect(parseManifest(store.blobs.readWhole(digest)).layers).toHaveLength(1)
  })

  test('one platform is an index too when BUILDKIT_MULTI_PLATFORM says so', async () => {
    const { engine, store } = openTestEngine()
    const buildArgs = { BUILDKIT_MULTI_PLATFORM: '1' }
    const { digest } = await build(engine, COPY_ONLY, { on: ['linux/arm64'], buildArgs })
    expect(parseIndex(store.blobs.readWhole(digest)).manifests).toHaveLength(1)
    const wrong = build(engine, COPY_ONLY, { on: ['linux/arm64'], buildArgs: { BUILDKIT_MULTI_PLATFORM: 'many' } })
    await expect(wrong).rejects.toThrow('invalid boolean value for BUILDKIT_MULTI_PLATFORM: many')
  })

  test('a failure for one ends the build', async () => {
    const { engine } = openTestEngine()
    const { 'data-arm64': _, ...files } = COPY_ONLY
    rmSync(path.join(context, 'data-arm64'), { force: true })
    await expect(build(engine, files, { on: ['linux/amd64', 'linux/arm64'] })).rejects.toThrow('"/data-arm64"')
  })
})

test.skipIf(!canRun)('what is done on this platform for all of them is done once', async () => {
  const { engine } = await openBusyboxEngine()
  const Dockerfile = [
    'FROM --platform=$BUILDPLATFORM busybox AS shared',
    'RUN echo once > /once',
    'FROM shared AS cross',
    'ARG TARGETARCH',
    'RUN echo for $TARGETARCH > /cross',
    'FROM scratch',
    'COPY --from=cross /once /cross /',
  ].join('\n')
  const { started, steps } = await build(engine, { Dockerfile }, { on: ['linux/amd64', 'linux/arm64'] })
  const runs = started.filter((name) => name.includes('RUN'))
  expect(runs.filter((name) => name.includes('once'))).toHaveLength(1)
  expect(runs.filter((name) => name.includes('for amd64')).length).toBe(1)
  expect(runs.filter((name) => name.includes('->arm64 cross 1/1] RUN echo for arm64')).length).toBe(
    process.arch === 'x64' ? 1 : 0,
  )
  expect(steps).toBe(2)
})
