import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { bytesOf, collectBytes } from '../../../core/index.ts'
import { imageTargetSuite, makeSample, type Sample } from '../../../oci/repository.suite.ts'
import { type TestStore, temporaryStore } from '../../../store/fixture.suite.ts'
import { repositoryTarget } from '../repository-target.ts'
import { type LocalStorage, openLocalStorage } from './local-store.ts'

const open: LocalStorage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage[Symbol.asyncDispose]()
})

function serve(store: TestStore): LocalStorage {
  const storage = openLocalStorage(store, path.join(store.root, 'registry'))
  open.push(storage)
  return storage
}

imageTargetSuite('the local store behind a registry', {
  tags: ['1.0', 'latest'],
  async open() {
    const storage = serve(temporaryStore())
    return { repository: repositoryTarget(storage, 'team/app') }
  },
})

async function push(storage: LocalStorage, repository: string, sample: Sample, tag: string): Promise<void> {
  const target = repositoryTarget(storage, repository)
  for (const { descriptor, bytes } of sample.contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag(tag, sample.index.descriptor)
}

describe('the local store', () => {
  test('has what was pushed as an image of its own', async () => {
    const store = temporaryStore()
    const sample = makeSample()
    await push(serve(store), 'team/app', sample, '1.0')
    const image = store.images.named('docker.io/team/app:1.0')
    expect(image?.descriptor.digest).toBe(sample.index.descriptor.digest)
    expect(image?.summary.diffIds).toHaveLength(2)
  })

  test('names with a domain keep it; official images need no library/', async () => {
    const store = temporaryStore()
    const storage = serve(store)
    await push(storage, 'ghcr.io/team/app', makeSample(), 'x')
    await push(storage, 'library/busybox', makeSample('b'), 'y')
    expect(store.images.list().flatMap(({ names }) => names)).toEqual(
      expect.arrayContaining(['ghcr.io/team/app:x', 'docker.io/library/busybox:y']),
    )
    expect(storage.repositories({ limit: 10 })).toEqual(['busybox', 'ghcr.io/team/app', 'library/busybox'])
    expect(storage.repository('busybox').tags({ limit: 10 })).toEqual(['y'])
  })

  test('what clients cannot ask for is not listed', async () => {
    const store = temporaryStore()
    const storage = serve(store)
    await push(storage, 'app', makeSample(), '1')
    store.images.put(makeSample().index.descriptor, ['host:5000/app:1'])
    expect(storage.repositories({ limit: 10 })).toEqual(['app'])
  })

  test('what one repository has cannot be read from another', async () => {
    const storage = serve(temporaryStore())
    const sample = makeSample()
    await push(storage, 'a', sample, '1')
    const other = storage.repository('b')
    expect(other.blob(sample.layer.descriptor.digest)).toBeUndefined()
    expect(other.manifest(sample.index.descriptor.digest)).toBeUndefined()
    expect(await other.mount(sample.layer.descriptor.digest, 'a')).toBe(true)
    expect(other.blob(sample.layer.descriptor.digest)).toBeDefined()
  })

  test('what was built or loaded can be read, and goes with its name', async () => {
    const store = temporaryStore()
    const sample = makeSample()
    const first = openLocalStorage(store, path.join(store.root, 'first'))
    await push(first, 'built', sample, 'latest')
    await first[Symbol.asyncDispose]()
    const storage = serve(store)
    const source = repositoryTarget(storage, 'library/built')
    const { digest } = await source.resolve('latest')
    expect(digest).toBe(sample.index.descriptor.digest)
    const layer = await collectBytes(source.read(sample.layer.descriptor), 1 << 20, () => new Error('endless'))
    expect(layer).toEqual(sample.layer.bytes)
    store.images.untag('docker.io/library/built:latest')
    await expect(source.resolve('latest')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect(await source.has(sample.layer.descriptor)).toBe(false)
  })

  test('pushed content without a name survives a collection', async () => {
    const store = temporaryStore()
    const storage = serve(store)
    const { layer } = makeSample()
    await repositoryTarget(storage, 'a').write(layer.descriptor, bytesOf(layer.bytes))
    store.collect()
    expect(storage.repository('a').blob(layer.descriptor.digest)?.size).toBe(layer.bytes.length)
  })

  test('only one server at a time', () => {
    const store = temporaryStore()
    serve(store)
    expect(() => serve(store)).toThrow(expect.objectContaining({ code: 'REGISTRY_IN_USE' }))
  })
})
