import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { COMMIT_TIME, gitServer, noGit } from '../../../build/git/fixture.suite.ts'
import { bytesOf } from '../../../core/index.ts'
import { MEDIA } from '../../../oci/index.ts'
import { addImage, addLayer, tarOf, writeDocuments, writeIndexOf } from '../../../store/fixture.suite.ts'
import { openRepository } from '../../../store/index.ts'
import { copyImage, createOciLayout } from '../../../transfer/index.ts'
import { folderOf, openBuilder, serve } from '../fixture.suite.ts'

const COPY_ALL = 'FROM scratch\nCOPY . /\n'

describe('a stream as context', () => {
  const tar = tarOf({ Dockerfile: COPY_ALL, './d/f': 'text', 'other.Dockerfile': 'FROM scratch\nCOPY d/f /only\n' })

  test.each([
    ['plain', tar],
    ['gzip', gzipSync(tar)],
    ['zstd', zstdCompressSync(tar)],
  ])('an archive, %s', async (_, bytes) => {
    const files = await openBuilder().files({ context: bytesOf(bytes) })
    expect(Object.keys(files)).toEqual(['Dockerfile', 'd/f', 'other.Dockerfile'])
    expect(files['d/f']).toBe('text')
  })

  test('-f names a file in the archive, also absolutely from its root when that is not a file here', async () => {
    const files = await openBuilder().files({ context: bytesOf(tar), dockerfile: './other.Dockerfile' })
    expect(files).toEqual({ only: 'text' })
  })

  test('the Dockerfile may be a file of this machine', async () => {
    const dockerfile = path.join(folderOf({ f: 'FROM scratch\nCOPY d/f /here\n' }), 'f')
    expect(await openBuilder().files({ context: bytesOf(tar), dockerfile })).toEqual({ here: 'text' })
  })

  test('owners are those of the archive, and .dockerignore has no say', async () => {
    const { build, store } = openBuilder()
    const archive = tarOf({
      Dockerfile: 'FROM scratch\nCOPY f /f\n',
      '.dockerignore': 'f\n',
      f: { file: 'x', uid: 12, gid: 34, mode: 0o640 },
    })
    const { digest } = await build({ context: bytesOf(archive) })
    const tree = await store.layers.tree(store.images.get(digest)!.summary.diffIds)
    expect(tree.stat('f' as never)).toMatchObject({ uid: 12, gid: 34, mode: 0o640 })
  })

  test('names with .wh. are names; links that lead out and names that climb stay inside or are refused', async () => {
    const archive = tarOf({ Dockerfile: 'FROM scratch\nCOPY l /x\n', l: { symlink: '/../../etc/hostname' } })
    expect((await openBuilder().error({ context: bytesOf(archive) })).code).toBe('COPY_SOURCE_MISSING')
    const climbing = tarOf({ Dockerfile: COPY_ALL, '../../out': 'x' })
    const { code } = await openBuilder().error({ context: bytesOf(climbing) })
    expect(code).toBe('LAYER_ENTRY_REFUSED')
  })

  test('a damaged archive is told, and leaves nothing', async () => {
    const { error } = openBuilder()
    expect((await error({ context: bytesOf(gzipSync(tar).subarray(0, 60)) })).code).toBe('COMPRESSION_INVALID')
    expect((await error({ context: bytesOf(tar.subarray(0, 1200)) })).code).toBe('TAR_INVALID')
  })

  test('an archive without a Dockerfile', async () => {
    const { message } = await openBuilder().error({ context: bytesOf(tarOf({ f: '' })) })
    expect(message).toBe('failed to read dockerfile: open Dockerfile: no such file or directory')
  })

  test('dockerfile in lower case is found', async () => {
    expect(await openBuilder().files({ context: bytesOf(tarOf({ dockerfile: COPY_ALL })) })).toHaveProperty(
      'dockerfile',
    )
  })

  test('anything else is a Dockerfile without files', async () => {
    const { files, error } = openBuilder()
    expect(await files({ context: bytesOf(Buffer.from('FROM scratch\nCOPY <<f /f\nhi\nf\n')) })).toEqual({ f: 'hi\n' })
    expect(await files({ context: bytesOf(Buffer.from(`${COPY_ALL}LABEL a=b\n`)) })).toEqual({})
    const missing = await error({ context: bytesOf(Buffer.from('FROM scratch\nCOPY f /\n')) })
    expect(missing.message).toContain('"/f": not found in the build context, which is empty')
    const twice = await error({ context: bytesOf(Buffer.from('FROM scratch\n')), dockerfile: 'x' })
    expect(twice.message).toBe('ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles')
  })
})

describe('a URL as context', () => {
  test('an archive is the context, a text is the Dockerfile', async () => {
    const { url } = await serve({
      '/c.tar.gz': gzipSync(tarOf({ Dockerfile: COPY_ALL, 'a/b': '1' })),
      '/Dockerfile': 'FROM scratch\nCOPY context /c\n',
    })
    const { files, error } = openBuilder()
    expect(await files({ context: `${url}/c.tar.gz` })).toMatchObject({ 'a/b': '1' })
    expect(await files({ context: `${url}/Dockerfile` })).toEqual({ c: 'FROM scratch\nCOPY context /c\n' })
    const missing = await error({ context: `${url}/nowhere` })
    expect(missing.message).toContain('invalid response status 404')
  })

  test('the Dockerfile comes from a URL, the files from a folder', async () => {
    const { url, requests } = await serve({ '/a/My.Dockerfile': COPY_ALL })
    const context = folderOf({ f: '1', x: '2', '.dockerignore': 'x' })
    const { files, events } = openBuilder()
    expect(await files({ context, dockerfile: `${url}/a/My.Dockerfile` })).toEqual({ f: '1', '.dockerignore': 'x' })
    expect(requests).toEqual(['GET /a/My.Dockerfile'])
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'started', name: '[internal] load build definition from My.Dockerfile' }),
    )
  })
})

describe('.dockerignore', () => {
  const files = { Dockerfile: COPY_ALL, a: '', b: '', c: '' }

  test('<Dockerfile>.dockerignore wins over .dockerignore, and that over .containerignore', async () => {
    const all = { '.containerignore': '*\n!c', '.dockerignore': '*\n!b', 'Dockerfile.dockerignore': '*\n!a' }
    const taken = async (...names: (keyof typeof all)[]) => {
      const rules = Object.fromEntries(names.map((name) => [name, all[name]]))
      return Object.keys(await openBuilder().files({ context: folderOf({ ...files, ...rules }) }))
    }
    expect(await taken('.containerignore')).toEqual(['c'])
    expect(await taken('.containerignore', '.dockerignore')).toEqual(['b'])
    expect(await taken('.containerignore', '.dockerignore', 'Dockerfile.dockerignore')).toEqual(['a'])
  })
})

describe('named contexts', () => {
  const NAMED = 'FROM scratch\nCOPY --from=n f /f\n'

  test('a folder in COPY --from, with a .dockerignore of its own', async () => {
    const { files, error } = openBuilder()
    const context = folderOf({ Dockerfile: NAMED, f: 'of the main context', '.dockerignore': 'f' })
    const other = folderOf({ f: 'of the other', g: '', '.dockerignore': 'g' })
    expect(await files({ context, contexts: { n: other } })).toEqual({ f: 'of the other' })
    const missing = await error({
      context: folderOf({ Dockerfile: 'FROM scratch\nCOPY --from=n g /\n' }),
      contexts: { n: other },
    })
    expect(missing.message).toContain('"/g": not found in the build context n (see .dockerignore)')
  })

  test('a folder as a base: its files are a layer', async () => {
    const { files, build, store } = openBuilder()
    const context = folderOf({ Dockerfile: 'FROM n\nENV A=1\nCOPY x /y\n', x: 'x' })
    const request = { context, contexts: { n: folderOf({ 'd/f': '1' }) } }
    expect(await files(request)).toEqual({ 'd/f': '1', y: 'x' })
    const { digest, steps, cachedSteps } = await build(request)
    const { config } = store.images.config(store.images.get(digest)!)
    expect(config.rootfs.diff_ids).toHaveLength(2)
    expect(config.config?.Env).toContain('A=1')
    expect([steps, cachedSteps]).toEqual([2, 2])
  })

  test('it stands for a stage, of which nothing is done then', async () => {
    const context = folderOf({ Dockerfile: `FROM nowhere AS n\nRUN false\n${NAMED}` })
    expect(await openBuilder().files({ context, contexts: { n: folderOf({ f: '1' }) } })).toEqual({ f: '1' })
    const target = { context, contexts: { n: folderOf({ f: '1', g: '2' }) }, target: 'n' }
    expect(await openBuilder().files(target)).toEqual({ f: '1', g: '2' })
  })

  test('it stands for an image in FROM and --from, with :latest or without', async () => {
    const builder = openBuilder()
    await addImage(builder.store, [{ f: 'one' }], { names: ['docker.io/library/one:latest'] })
    await addImage(builder.store, [{ f: 'two' }], { names: ['docker.io/library/two:latest'] })
    const from = (dockerfile: string, contexts: Record<string, string>) =>
      builder.files({ context: folderOf({ Dockerfile: dockerfile }), contexts })
    expect(await from('FROM one\nENV A=1\n', { 'one:latest': 'docker-image://two' })).toEqual({ f: 'two' })
    expect(await from('FROM one:latest\nENV A=1\n', { one: 'docker-image://two' })).toEqual({ f: 'two' })
    expect(await from('FROM one:1\nENV A=1\n', { 'one:1': 'docker-image://one' })).toEqual({ f: 'one' })
    expect(await from('FROM scratch\nCOPY --from=one f /\n', { one: 'docker-image://two' })).toEqual({ f: 'two' })
    expect(await from('FROM one\nCOPY <<e /x\nx\ne\n', { one: 'docker-image://scratch' })).toEqual({ x: 'x\n' })
  })

  test('one for a platform wins over one for all', async () => {
    const context = folderOf({ Dockerfile: NAMED })
    const contexts = { n: folderOf({ f: 'any' }), 'n::linux/arm64': folderOf({ f: 'arm64' }) }
    const on = (architecture: string) =>
      openBuilder().files({ context, contexts, platforms: [{ os: 'linux', architecture }] })
    expect(await on('arm64')).toEqual({ f: 'arm64' })
    expect(await on('s390x')).toEqual({ f: 'any' })
  })

  test('an image of an OCI layout, by tag or digest', async () => {
    const { store, files, error } = openBuilder()
    const image = await addImage(store, [{ f: 'layout' }], { config: { Env: ['FROM_LAYOUT=1'] } })
    const folder = folderOf({})
    const layout = await createOciLayout(folder)
    const from = openRepository(store, store.testLease)
    await copyImage(from, layout, { ref: image.descriptor.digest, as: 'latest' })
    const context = folderOf({ Dockerfile: 'FROM base\nENV A=1\n' })
    const other = openBuilder()
    expect(await other.files({ context, contexts: { base: `oci-layout://${folder}` } })).toEqual({ f: 'layout' })
    const byDigest = `oci-layout://${folder}@${image.descriptor.digest}`
    expect(await files({ context, contexts: { base: byDigest } })).toEqual({ f: 'layout' })
    const missing = await error({ context, contexts: { base: `oci-layout://${folder}:nope` } })
    expect(missing.message).toContain('nope')
  })

  test('an archive behind a URL', async () => {
    const { url } = await serve({ '/n.tar': tarOf({ f: 'remote' }) })
    const context = folderOf({ Dockerfile: NAMED })
    expect(await openBuilder().files({ context, contexts: { n: `${url}/n.tar` } })).toEqual({ f: 'remote' })
  })

  test('one that nothing asks for is not opened', async () => {
    const { url, requests } = await serve({})
    await openBuilder().build({ context: folderOf({ Dockerfile: COPY_ALL }), contexts: { n: `${url}/n.tar` } })
    expect(requests).toEqual([])
  })

  test.each([
    [{ n: '/nowhere' }, 'failed to get build context n: stat /nowhere: no such file or directory'],
    [{ n: import.meta.filename }, `failed to get build context path ${import.meta.filename}: not a directory`],
    [{ X: '.' }, 'invalid context name X: invalid reference format: repository name (library/X) must be lowercase'],
    [{ n: 'target:t' }, 'failed to find target t for context n'],
  ])('%j is refused', async (contexts, message) => {
    const error = await openBuilder().error({ context: folderOf({ Dockerfile: COPY_ALL }), contexts })
    expect(error.message).toBe(message)
  })
})

describe('base images', () => {
  async function withIndex() {
    const builder = openBuilder()
    const { store } = builder
    const entries = await Promise.all(
      ['amd64', 'arm64'].map(async (architecture) => {
        const platform = { os: 'linux', architecture }
        const { manifest } = writeDocuments(store, [await addLayer(store, { f: architecture })], { platform })
        return { ...manifest.descriptor, platform }
      }),
    )
    const index = writeIndexOf(store, entries)
    store.images.put(index, ['docker.io/library/multi:latest'])
    const from = (dockerfile: string, architecture: string) => ({
      context: folderOf({ Dockerfile: dockerfile }),
      platforms: [{ os: 'linux', architecture }],
    })
    return { ...builder, index, entries, from }
  }

  test('of an index, the variant for the platform is taken', async () => {
    const { files, from, events } = await withIndex()
    for (const architecture of ['amd64', 'arm64']) {
      expect(await files(from('FROM multi\nENV A=1\n', architecture))).toEqual({ f: architecture })
      expect(await files(from('FROM scratch\nCOPY --from=multi f /\n', architecture))).toEqual({ f: architecture })
    }
    expect(await files(from('FROM --platform=linux/arm64 multi\nENV A=1\n', 'amd64'))).toEqual({ f: 'arm64' })
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))
    expect(warnings).not.toContain('InvalidBaseImagePlatform')
  })

  test('no variant for the platform: the words of BuildKit, and what there is', async () => {
    const { error, from } = await withIndex()
    const { code, message, hint, span } = await error(from('FROM multi\n', 's390x'))
    expect(code).toBe('PLATFORM_NOT_FOUND')
    expect(message).toBe(
      'multi: failed to resolve source metadata for docker.io/library/multi:latest: no match for platform in manifest: not found',
    )
    expect(hint).toContain('linux/amd64, linux/arm64')
    expect(span?.line).toBe(1)
  })

  test('a digest names content, under whatever name', async () => {
    const { files, error, from, index, entries } = await withIndex()
    expect(await files(from(`FROM multi@${index.digest}\nENV A=1\n`, 'arm64'))).toEqual({ f: 'arm64' })
    expect(await files(from(`FROM other:1@${entries[0]!.digest}\nENV A=1\n`, 'amd64'))).toEqual({ f: 'amd64' })
    const missing = await error({ ...from(`FROM multi@sha256:${'0'.repeat(64)}\n`, 'amd64'), pull: 'never' })
    expect(missing.code).toBe('IMAGE_NOT_FOUND')
  })

  test('of an index that is not all here, what is missing is told', async () => {
    const { store, error } = openBuilder()
    const [here, gone] = [await addLayer(store, { f: '' }), await addLayer(store, { g: '' })]
    const { manifest } = writeDocuments(store, [here], { platform: { os: 'linux', architecture: 'amd64' } })
    const absent = { mediaType: MEDIA.ociManifest, digest: gone.diffId, size: 7 }
    const index = writeIndexOf(store, [
      { ...manifest.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
      { ...absent, digest: `sha256:${'1'.repeat(64)}`, platform: { os: 'linux', architecture: 'arm64' } },
    ])
    store.images.put(index, ['docker.io/library/half:latest'])
    const context = folderOf({ Dockerfile: 'FROM half\n' })
    const { code } = await error({ context, platforms: [{ os: 'linux', architecture: 'arm64' }], pull: 'never' })
    expect(code).toBe('IMAGE_NOT_FOUND')
  })
})

test('a context folder that goes by the name of a URL is a folder', async () => {
  const folder = folderOf({})
  const named = path.join(folder, 'github.com/x')
  mkdirSync(named, { recursive: true })
  writeFileSync(path.join(named, 'Dockerfile'), COPY_ALL)
  expect(Object.keys(await openBuilder().files({ context: named }))).toEqual(['Dockerfile'])
})

describe.skipIf(noGit)('a git repository as context', () => {
  async function repository() {
    const server = await gitServer()
    const tree = server.tree('a')
    tree.commit({
      Dockerfile: COPY_ALL,
      'sub/Dockerfile': 'FROM scratch\nCOPY . /s/\n',
      'sub/f': '1',
      '.dockerignore': '*',
    })
    return { url: `${server.url}/a/.git`, tree }
  }

  test('its files, without .git and whatever .dockerignore says', async () => {
    const { url } = await repository()
    const { files } = openBuilder()
    expect(Object.keys(await files({ context: url }))).toEqual([
      '.dockerignore',
      'Dockerfile',
      'sub/Dockerfile',
      'sub/f',
    ])
    expect(await files({ context: `${url}#main:sub` })).toMatchObject({ 's/f': '1' })
    expect(await files({ context: url, dockerfile: 'sub/Dockerfile' })).toHaveProperty(['s/sub/f'])
    const buildArgs = { BUILDKIT_CONTEXT_KEEP_GIT_DIR: '1' }
    expect(await files({ context: url, buildArgs })).toHaveProperty(['.git/HEAD'])
  })

  test('it may be a named context, and gives the time of the commit', async () => {
    const { url } = await repository()
    const { build, store } = openBuilder()
    const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY --from=src sub/f /f\n' })
    const { digest } = await build({ context, contexts: { src: url }, buildArgs: { SOURCE_DATE_EPOCH: 'src' } })
    const image = store.images.get(digest)!
    expect(Date.parse(image.summary.created!)).toBe(COMMIT_TIME * 1000)
    const tree = await store.layers.tree(image.summary.diffIds)
    expect(tree.readFile('f' as never, 10)?.toString()).toBe('1')
  })
})
