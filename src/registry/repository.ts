import { type ByteRange, type Bytes, type Digest, isDigest, type Job, silentJob } from '../core/index.ts'
import type { Body, Descriptor, ImageTarget } from '../oci/index.ts'
import { hasBlob, readBlob } from './blobs.ts'
import { describe, fetchDocument, hasDocument, isDocumentType, readDocument } from './documents.ts'
import { patienceOf, type RegistryOptions } from './options.ts'
import { pages, textsOf } from './paging.ts'
import { Route } from './route.ts'
import type { RepositoryName } from './settings.ts'

/** A repository of a registry: names are its tags. */
export interface RegistryRepository extends ImageTarget, AsyncDisposable {
  readonly name: RepositoryName
  /** Deletes a manifest with all its tags. Fails with `IMAGE_NOT_FOUND`, and with `REGISTRY_UNSUPPORTED` where that is not allowed. */
  remove(digest: Digest, job?: Job): Promise<void>
  /** Ends what is still under way. */
  close(): Promise<void>
}

/** One repository of a registry. Mirrors and plain HTTP are tried as the settings say. Nothing is asked before it is needed. */
export function openRegistryRepository(name: RepositoryName, options: RegistryOptions): RegistryRepository {
  return new Repository(name, options)
}

class Repository implements RegistryRepository {
  readonly name: RepositoryName
  readonly #options: RegistryOptions
  readonly #route: Route
  readonly #closing = new AbortController()

  constructor(name: RepositoryName, options: RegistryOptions) {
    this.name = name
    this.#options = options
    const { settings, access = 'pull' } = options
    this.#route = new Route(name, { settings, access, patience: patienceOf(options) })
  }

  async resolve(ref: string, job: Job = silentJob): Promise<Descriptor> {
    const own = this.#own(job)
    const ability = isDigest(ref) ? 'pull' : 'resolve'
    return this.#route.first(
      ability,
      async (server) => {
        const said = await describe(server, this.#route, ref, own)
        const { knows } = this.#options
        const isEnough = said && (isDigest(ref) || !knows || knows(said.digest))
        return isEnough ? said : (await fetchDocument(server, this.#route, ref, own)).descriptor
      },
      own,
    )
  }

  async has(descriptor: Descriptor, job: Job = silentJob): Promise<boolean> {
    const own = this.#own(job)
    const ask = isDocumentType(descriptor.mediaType)
      ? (server: Parameters<typeof hasDocument>[0]) => hasDocument(server, this.#route, descriptor.digest, own)
      : (server: Parameters<typeof hasBlob>[0]) => hasBlob(server, this.#route, descriptor, own)
    return ask(await this.#route.writable())
  }

  async *read(descriptor: Descriptor, range?: ByteRange, job: Job = silentJob): Bytes {
    const own = this.#own(job)
    if (isDocumentType(descriptor.mediaType)) {
      const bytes = await this.#route.first('pull', (server) => readDocument(server, this.#route, descriptor, own), own)
      yield range ? bytes.subarray(range.start, range.end) : bytes
    } else {
      const { foreignLayers = false } = this.#options
      yield* readBlob(this.#route, descriptor, range, { patience: patienceOf(this.#options), foreignLayers }, own)
    }
  }

  async *tags(job: Job = silentJob): AsyncIterable<string> {
    const own = this.#own(job)
    const server = (await this.#route.servers('resolve')).at(-1)!
    const question = {
      method: 'GET',
      to: `/${server.endpoint.repository}/tags/list`,
      query: [['n', '1000']],
      scopes: this.#route.scopes(server, 'pull'),
      about: this.#route.about('repository', this.#route.familiar()),
      expects: [200],
    } as const
    for await (const page of pages(server, question, own)) yield* textsOf(page, 'tags')
  }

  async *referrers(_subject: Descriptor, _type?: string, _job?: Job): AsyncIterable<Descriptor> {}
  async write(_d: Descriptor, _b: Body, _options?: { mountFrom?: string }, _job?: Job): Promise<void> {}
  async tag(_name: string, _descriptor: Descriptor, _job?: Job): Promise<void> {}
  async untag(_name: string, _job?: Job): Promise<void> {}
  async remove(_digest: Digest, _job?: Job): Promise<void> {}

  async close(): Promise<void> {
    this.#closing.abort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The job, which also stops when the repository is closed. */
  #own(job: Job): Job {
    const { signal } = this.#closing
    return {
      progress: (event) => job.progress(event),
      signal: job.signal ? AbortSignal.any([job.signal, signal]) : signal,
    }
  }
}
