/** Images go to other tools and come back. What is not installed, or needs root, is skipped; nothing needs a network. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, type Digest } from '../../src/core/index.ts'
import { hostPlatform, MEDIA, readImage, writeManifest } from '../../src/oci/index.ts'
import { listed, makeImage, type SampleContent, tarFile } from '../../src/oci/repository.suite.ts'
import {
  copyImage,
  createOciLayout,
  MemoryRepository,
  openImageArchive,
  openOciLayout,
  saveFile,
  writeImageArchive,
} from '../../src/transfer/index.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-e2e-'))
const file = (...parts: string[]): string => path.join(folder, ...parts)
const isRoot = process.getuid?.() === 0
const installed = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((part) => existsSync(path.join(part, program)))

const tars = [tarFile('etc/one', 'first'), tarFile('etc/two', 'second')]
const host = hostPlatform()
const packed = makeImage(host, tars)
const plain = ((): { layers: SampleContent[]; manifest: SampleContent } => {
  const diffIds = JSON.parse(packed.config.bytes.toString()).rootfs.diff_ids as Digest[]
  const layers = tars.map((bytes, i) => ({
    bytes,
    descriptor: { mediaType: MEDIA.ociLayer, digest: diffIds[i]!, size: bytes.length },
  }))
  const { config } = packed
  const manifest = writeManifest({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  })
  return { layers, manifest }
})()

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, ...env }, timeout: 50_000 })
  return stdout
}

/** A repository with the image twice, compressed as `e2e/packed:1` and plain as `e2e/plain:1` and `:2`. */
async function images(): Promise<MemoryRepository> {
  const repository = new MemoryRepository()
  for (const { descriptor, bytes } of [
    ...packed.layers,
    ...plain.layers,
    packed.config,
    packed.manifest,
    plain.manifest,
  ]) {
    await repository.write(descriptor, bytesOf(bytes))
  }
  await repository.tag('docker.io/e2e/packed:1', packed.manifest.descriptor)
  await repository.tag('docker.io/e2e/plain:1', plain.manifest.descriptor)
  await repository.tag('docker.io/e2e/plain:2', plain.manifest.descriptor)
  return repository
}

/** An archive of the images, in a file. */
async function archive(format: 'docker' | 'oci', only?: string): Promise<string> {
  const from = await images()
  const target = file(`${format}-${only?.replaceAll(/\W/g, '-') ?? 'all'}.tar`)
  const bytes = writeImageArchive(format, async (to) => {
    for await (const name of from.tags()) if (!only || name === only) await copyImage(from, to, { ref: name, as: name })
  })
  await saveFile(target, bytes)
  return target
}

/** The contents of the image under a name, after everything it needs has been read and verified. */
async function contentOf(archiveFile: string, name: string): Promise<{ config: Digest; diffIds: readonly Digest[] }> {
  await using from = await openImageArchive(archiveFile)
  const to = new MemoryRepository()
  const { root } = await copyImage(from, to, { ref: name, select: 'available' })
  const { manifest, config } = await readImage(to, root, host)
  return { config: manifest.config.digest, diffIds: config.rootfs.diff_ids }
}

const expected = {
  config: packed.config.descriptor.digest,
  diffIds: plain.layers.map(({ descriptor }) => descriptor.digest),
}

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!installed('skopeo'))('skopeo', () => {
  test('reads a docker archive, and what it writes is read', async () => {
    const from = await archive('docker')
    for (const name of ['e2e/packed:1', 'e2e/plain:2']) {
      const back = file(`skopeo-${name.replaceAll(/\W/g, '-')}.tar`)
      await run('skopeo', ['copy', '-q', `docker-archive:${from}:${name}`, `docker-archive:${back}:${name}`])
      expect(await contentOf(back, name)).toEqual(expected)
    }
  })

  test('reads an OCI archive without changing the manifest', async () => {
    for (const [name, manifest] of [
      ['packed', packed.manifest],
      ['plain', plain.manifest],
    ] as const) {
      const from = await archive('oci', `docker.io/e2e/${name}:1`)
      expect(await run('skopeo', ['inspect', '--raw', `oci-archive:${from}:1`])).toBe(manifest.bytes.toString())
    }
  })

  test('writes OCI archives that are read, with and without a name', async () => {
    const from = await archive('oci', 'docker.io/e2e/packed:1')
    for (const name of ['e2e/app:7', '7']) {
      const back = file(`skopeo-oci-${name.replaceAll(/\W/g, '-')}.tar`)
      await run('skopeo', ['copy', '-q', '--preserve-digests', `oci-archive:${from}:1`, `oci-archive:${back}:${name}`])
      await using read = await openImageArchive(back)
      expect((await read.images())[0]?.descriptor).toEqual(packed.manifest.descriptor)
      expect(await contentOf(back, name)).toEqual(expected)
    }
  })

  test('reads our OCI layout, and ours reads what it adds', async () => {
    const layout = await createOciLayout(file('layout'))
    await copyImage(await images(), layout, { ref: 'docker.io/e2e/packed:1', as: 'one' })
    await run('skopeo', ['copy', '-q', `oci:${file('layout')}:one`, `oci:${file('layout')}:two`])
    const again = await openOciLayout(file('layout'))
    expect(await listed(again.tags())).toEqual(['one', 'two'])
    const to = new MemoryRepository()
    await copyImage(again, to, { ref: 'two', as: 'two' })
    expect((await to.resolve('two')).digest).toBe(packed.manifest.descriptor.digest)
  })
})

describe.skipIf(!installed('umoci'))('umoci', () => {
  test.skipIf(!isRoot)('unpacks our OCI layout', async () => {
    const layout = await createOciLayout(file('umoci'))
    const from = await images()
    for (const name of ['packed', 'plain']) {
      await copyImage(from, layout, { ref: `docker.io/e2e/${name}:1`, as: name })
      await run('umoci', ['unpack', '--image', `${file('umoci')}:${name}`, file(`bundle-${name}`)])
      expect(readFileSync(file(`bundle-${name}`, 'rootfs/etc/two'), 'utf8')).toBe('second')
    }
  })

  test('writes layouts that are read', async () => {
    await run('umoci', ['init', '--layout', file('umoci-new')])
    await run('umoci', ['new', '--image', `${file('umoci-new')}:empty`])
    const layout = await openOciLayout(file('umoci-new'))
    expect(await listed(layout.tags())).toEqual(['empty'])
    const to = new MemoryRepository()
    await copyImage(layout, to, { ref: 'empty', as: 'empty' })
    expect((await readImage(to, await to.resolve('empty'), host)).manifest.layers).toEqual([])
  })
})

describe.skipIf(!installed('podman') || !isRoot)('podman', () => {
  const podman = (...args: string[]): Promise<string> =>
    run('podman', ['--root', file('podman'), '--runroot', file('podman-run'), '--storage-driver', 'vfs', ...args])

  const load = async (archiveFile: string): Promise<string[]> => {
    const output = await podman('load', '-q', '-i', archiveFile)
    return output
      .trim()
      .split('\n')
      .map((line) => line.replace('Loaded image: ', ''))
  }

  test.each(['docker', 'oci'] as const)('loads %s archives, and what it saves is read', async (format) => {
    const [name] = await load(await archive(format, 'docker.io/e2e/packed:1'))
    for (const out of ['docker-archive', 'oci-archive']) {
      const back = file(`podman-${format}-${out}.tar`)
      await podman('save', '-q', '--format', out, '-o', back, name!)
      expect((await contentOf(back, name!)).diffIds).toEqual(expected.diffIds)
    }
  })

  test('loads an archive of several images', async () => {
    const names = await load(await archive('docker'))
    expect(names.map((name) => name.slice(name.indexOf('/')))).toEqual([
      '/e2e/packed:1',
      '/e2e/plain:1',
      '/e2e/plain:2',
    ])
    const back = file('podman-several.tar')
    await podman('save', '-q', '-m', '-o', back, names[0]!, names[2]!)
    expect(await contentOf(back, names[2]!)).toEqual(expected)
  })
})

describe.skipIf(!installed('buildah') || !isRoot)('buildah', () => {
  test('pulls our archives, and what it pushes is read', async () => {
    const buildah = (...args: string[]): Promise<string> =>
      run('buildah', ['--root', file('buildah'), '--runroot', file('buildah-run'), '--storage-driver', 'vfs', ...args])
    const from = await archive('docker', 'docker.io/e2e/packed:1')
    const id = (await buildah('pull', '-q', `docker-archive:${from}`)).trim()
    await buildah('push', '-q', id, `docker-archive:${file('buildah.tar')}:e2e/back:1`)
    expect((await contentOf(file('buildah.tar'), 'e2e/back:1')).diffIds).toEqual(expected.diffIds)
  })
})

// other Docker daemons can be named in SLIPWAY_DOCKERD, with a colon between them
const daemons = process.env['SLIPWAY_DOCKERD']?.split(':') ?? (installed('dockerd') ? ['dockerd'] : [])

describe.skipIf(!isRoot || !installed('docker') || daemons.length === 0).each(daemons)('docker (%s)', (program) => {
  const root = mkdtempSync(path.join(folder, 'docker-'))
  const socket = `unix://${path.join(root, 'docker.sock')}`
  const docker = (...args: string[]): Promise<string> =>
    run('docker', args, { DOCKER_HOST: socket, DOCKER_CONFIG: path.join(root, 'config') })
  let daemon: ReturnType<typeof spawn>

  beforeAll(async () => {
    mkdirSync(path.join(root, 'config'))
    writeFileSync(path.join(root, 'daemon.json'), '{}')
    const flags = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs']
    const places = ['--data-root', 'root', '--exec-root', 'exec', '--pidfile', 'pid', '--config-file', 'daemon.json']
    const args = places.map((part, i) => (i % 2 ? path.join(root, part) : part))
    const env = { ...process.env, PATH: `${path.dirname(program)}:${process.env['PATH']}` }
    daemon = spawn(program, [...flags, ...args, '-H', socket], { env, stdio: 'ignore' })
    for (let i = 0; i < 150; i++) {
      if (
        await docker('version').then(
          () => true,
          () => false,
        )
      )
        return
      await sleep(200)
    }
    throw new Error(`${program} did not start`)
  })
  afterAll(async () => {
    const gone = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill()
    await gone
  })

  test.each<[string, string | undefined]>([
    ['compressed layers', 'docker.io/e2e/packed:1'],
    ['plain layers', 'docker.io/e2e/plain:1'],
    ['several images', undefined],
  ])('loads %s, and what it saves is read', async (what, only) => {
    const loaded = await docker('load', '-i', await archive('docker', only))
    const names = only ? [only] : ['docker.io/e2e/packed:1', 'docker.io/e2e/plain:1', 'docker.io/e2e/plain:2']
    const short = names.map((name) => name.replace('docker.io/', ''))
    for (const name of short) expect(loaded).toContain(`Loaded image: ${name}`)
    const back = path.join(root, `${what}.tar`)
    await docker('save', '-o', back, ...short)
    for (const name of short) expect((await contentOf(back, name)).diffIds).toEqual(expected.diffIds)
    for (const name of short) expect((await contentOf(back, name)).config).toEqual(expected.config)
  })

  test('saves an image without a name, which is read', async () => {
    await docker('load', '-i', await archive('docker', 'docker.io/e2e/plain:1'))
    const id = (await docker('images', '-q', '--no-trunc', 'e2e/plain:1')).trim()
    const back = path.join(root, 'unnamed.tar')
    await docker('save', '-o', back, id)
    await using read = await openImageArchive(back)
    const all = await read.images()
    expect(all.map(({ names }) => names)).toEqual([[]])
    expect((await contentOf(back, all[0]!.descriptor.digest)).config).toEqual(expected.config)
  })
})
