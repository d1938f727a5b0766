import {
  type ByteRange,
  type Bytes,
  bytesOf,
  checkCanceled,
  collectBytes,
  type Digest,
  digestAlgorithm,
  fail,
  isDigest,
  type Job,
  silentJob,
  verified,
} from '../../core/index.ts'
import {
  type Descriptor,
  type ImageTarget,
  isIndexType,
  isManifestType,
  LIMITS,
  parseImageDocument,
} from '../../oci/index.ts'
import { readBlob } from './sending/read-blob.ts'
import type { RegistryStorage, RepositoryStorage } from './storage.ts'

/** A repository of a registry's storage as a place that images are copied from and to, without any HTTP. */
export function repositoryTarget(storage: RegistryStorage, name: string): ImageTarget {
  return new StorageTarget(storage, storage.repository(name))
}

const PAGE = 1000

class StorageTarget implements ImageTarget {
  readonly #storage: RegistryStorage
  readonly #repository: RepositoryStorage

  constructor(storage: RegistryStorage, repository: RepositoryStorage) {
    this.#storage = storage
    this.#repository = repository
  }

  async resolve(tagOrDigest: string): Promise<Descriptor> {
    const found = this.#repository.describe(tagOrDigest)
    if (found) return found
    throw fail('IMAGE_NOT_FOUND', `manifest for ${this.#named(tagOrDigest)} not found: manifest unknown`)
  }

  async has({ digest }: Descriptor): Promise<boolean> {
    return this.#repository.describe(digest) !== undefined || this.#repository.blob(digest) !== undefined
  }

  async *read(descriptor: Descriptor, range?: ByteRange, job: Job = silentJob): Bytes {
    checkCanceled(job)
    const bytes = this.#bytes(descriptor.digest, range)
    for await (const chunk of range ? bytes : verified(bytes, descriptor)) {
      checkCanceled(job)
      yield chunk
    }
  }

  async *tags(): AsyncIterable<string> {
    yield* paged((last) => this.#repository.tags({ last, limit: PAGE }))
  }

  async *referrers(subject: Descriptor, artifactType?: string): AsyncIterable<Descriptor> {
    for (let last: string | undefined; ; ) {
      const page = this.#repository.referrers(subject.digest, { artifactType, last, limit: PAGE })
      yield* page
      if (page.length < PAGE) return
      last = page.at(-1)!.digest
    }
  }

  async write(
    descriptor: Descriptor,
    body: Bytes,
    options: { mountFrom?: string } = {},
    job: Job = silentJob,
  ): Promise<void> {
    if (await this.has(descriptor)) return
    const checked = cancelable(verified(body, descriptor), job)
    if (isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType)) {
      return this.#writeManifest(descriptor, checked)
    }
    const { mountFrom } = options
    if (mountFrom !== undefined && (await this.#repository.mount(descriptor.digest, mountFrom))) return
    const algorithm = digestAlgorithm(descriptor.digest)
    const upload = this.#storage.uploads.start(this.#repository.name, { algorithm })
    using hold = upload.take()!
    try {
      await hold.append(checked, descriptor.size)
    } catch (error) {
      hold.cancel()
      throw error
    }
    await hold.commit(descriptor.digest)
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    const found = this.#repository.manifest(descriptor.digest)
    if (!found) throw fail('BLOB_NOT_FOUND', `content ${descriptor.digest} is not in ${this.#repository.name}`)
    await this.#repository.putManifest({ ...found, document: parseImageDocument(found.bytes, found.mediaType) }, [name])
  }

  async untag(name: string): Promise<void> {
    if (isDigest(name) || !(await this.#repository.deleteTag(name))) {
      throw fail('IMAGE_NOT_FOUND', `No such tag: ${this.#named(name)}`)
    }
  }

  #bytes(digest: Digest, range: ByteRange = { start: 0 }): Bytes {
    const manifest = this.#repository.manifest(digest)
    if (manifest) return bytesOf(manifest.bytes.subarray(range.start, range.end))
    const blob = this.#repository.blob(digest)
    if (!blob) throw fail('BLOB_NOT_FOUND', `content ${digest} is not in ${this.#repository.name}`)
    return readBlob(blob, { start: range.start, end: Math.min(range.end ?? blob.size, blob.size) })
  }

  async #writeManifest(descriptor: Descriptor, body: Bytes): Promise<void> {
    const tooLarge = (): Error => fail('MANIFEST_INVALID', `manifest ${descriptor.digest} is too large`)
    const bytes = await collectBytes(body, LIMITS.manifestBytes, tooLarge)
    const document = parseImageDocument(bytes, descriptor.mediaType)
    const { digest, mediaType } = descriptor
    await this.#repository.putManifest({ digest, mediaType, bytes, document }, [])
  }

  #named(reference: string): string {
    return `${this.#repository.name}${isDigest(reference) ? '@' : ':'}${reference}`
  }
}

function* paged(next: (last: string | undefined) => string[]): Iterable<string> {
  for (let last: string | undefined; ; ) {
    const page = next(last)
    yield* page
    if (page.length < PAGE) return
    last = page.at(-1)
  }
}

async function* cancelable(bytes: Bytes, job: Job): Bytes {
  for await (const chunk of bytes) {
    checkCanceled(job)
    yield chunk
  }
}
