import {
  type ByteRange,
  type Bytes,
  collectBytes,
  type Digest,
  fail,
  hasCode,
  isDigest,
  type Job,
  silentJob,
  verified,
} from '../core/index.ts'
import { type Body, type Descriptor, type ImageTarget, LIMITS, parseImageDocument, subjectOf } from '../oci/index.ts'
import { describeBlob, hasBlob, readBlob } from './blobs.ts'
import type { Connection } from './connection.ts'
import { DocumentMemory } from './document-memory.ts'
import { describe, fetchDocument, hasDocument, isDocumentType, readDocument } from './documents.ts'
import { type Document, deleteManifest, putManifest } from './manifests.ts'
import { patienceOf, type RegistryOptions } from './options.ts'
import { addReferrer, knowsReferrers, listReferrers, removeReferrer } from './referrers.ts'
import { Route } from './route.ts'
import type { RepositoryName } from './settings.ts'
import { isKnown, listTags } from './tags.ts'
import { untagRemote } from './untag.ts'
import { uploadBlob } from './upload.ts'

/** A repository of a registry: names are its tags. */
export interface RegistryRepository extends ImageTarget, AsyncDisposable {
  readonly name: RepositoryName
  /** Whether the registry knows it: something was pushed to it once. */
  exists(job?: Job): Promise<boolean>
  /** Deletes a manifest with all its tags. Fails with `IMAGE_NOT_FOUND`, and with `REGISTRY_UNSUPPORTED` where that is not allowed. */
  remove(digest: Digest, job?: Job): Promise<void>
  /** A blob whose digest alone is known, with its size. Fails with `BLOB_NOT_FOUND`. */
  findBlob(digest: Digest, job?: Job): Promise<Descriptor>
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
  readonly #documents = new DocumentMemory()
  /** Tags that were given with the manifest itself, and what they name. */
  readonly #tagged = new Map<string, Digest>()
  /** Blobs that were just found missing: they are not looked for again before they are written. */
  readonly #absent = new Set<Digest>()
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
      (server) => this.#resolveAt(server, ref, own).catch((error) => this.#explained(error, server, ref, own)),
      own,
    )
  }

  /** docker-registry takes a blob for a manifest when its digest is asked for as one, and then breaks (500). */
  async #explained(error: unknown, server: Connection, ref: string, job: Job): Promise<never> {
    const isBroken = hasCode(error, 'REGISTRY_UNAVAILABLE') && error.data['status'] === 500
    if (!isBroken || !isDigest(ref)) throw error
    const blob = { mediaType: '', digest: ref, size: 0 }
    if (!(await hasBlob(server, this.#route, blob, job))) throw error
    throw fail('IMAGE_NOT_FOUND', `${this.#route.familiar({ digest: ref })} is no manifest`, { cause: error })
  }

  async #resolveAt(server: Connection, ref: string, job: Job): Promise<Descriptor> {
    const said = await describe(server, this.#route, ref, job)
    const { knows } = this.#options
    if (said && (isDigest(ref) || !knows || knows(said.digest))) return said
    const document = await fetchDocument(server, this.#route, ref, job)
    this.#documents.keep(document)
    return document.descriptor
  }

  async has(descriptor: Descriptor, job: Job = silentJob): Promise<boolean> {
    const own = this.#own(job)
    const server = await this.#source()
    if (isDocumentType(descriptor.mediaType)) return hasDocument(server, this.#route, descriptor.digest, own)
    const isThere = await hasBlob(server, this.#route, descriptor, own)
    if (!isThere) this.#absent.add(descriptor.digest)
    return isThere
  }

  findBlob(digest: Digest, job: Job = silentJob): Promise<Descriptor> {
    const own = this.#own(job)
    return this.#route.first('pull', (server) => describeBlob(server, this.#route, digest, own), own)
  }

  async *read(descriptor: Descriptor, range?: ByteRange, job: Job = silentJob): Bytes {
    const own = this.#own(job)
    if (!isDocumentType(descriptor.mediaType)) {
      const { foreignLayers = false } = this.#options
      yield* readBlob(this.#route, descriptor, range, { patience: patienceOf(this.#options), foreignLayers }, own)
      return
    }
    const bytes = await this.#readDocument(descriptor, own)
    yield range ? bytes.subarray(range.start, range.end) : bytes
  }

  exists(job: Job = silentJob): Promise<boolean> {
    return isKnown(this.#route, this.#own(job))
  }

  tags(job: Job = silentJob): AsyncIterable<string> {
    return listTags(this.#route, this.#own(job))
  }

  async *referrers(subject: Descriptor, artifactType?: string, job: Job = silentJob): AsyncIterable<Descriptor> {
    yield* listReferrers(await this.#route.own(), this.#route, subject.digest, artifactType, this.#own(job))
  }

  async write(
    descriptor: Descriptor,
    body: Body,
    options: { mountFrom?: string; as?: string } = {},
    job: Job = silentJob,
  ): Promise<void> {
    const own = this.#own(job)
    const server = await this.#route.writable()
    if (isDocumentType(descriptor.mediaType)) return this.#writeDocument(server, descriptor, body, options.as, own)
    const { digest } = descriptor
    const isAbsent = this.#absent.delete(digest)
    if (!isAbsent && (await hasBlob(server, this.#route, descriptor, own))) return
    const mountFrom = this.#sibling(options.mountFrom)
    await uploadBlob(server, this.#route, descriptor, body, { mountFrom, journal: this.#options.journal }, own)
  }

  async tag(name: string, descriptor: Descriptor, job: Job = silentJob): Promise<void> {
    const { digest } = descriptor
    if (this.#tagged.get(name) === digest) return
    const own = this.#own(job)
    const server = await this.#route.writable()
    const document = await this.#document(server, descriptor, own)
    await putManifest(server, this.#route, { ref: name }, document, own)
    this.#tagged.set(name, digest)
  }

  async untag(name: string, job: Job = silentJob): Promise<void> {
    this.#tagged.delete(name)
    await untagRemote(await this.#route.writable(), this.#route, name, this.#own(job))
  }

  async remove(digest: Digest, job: Job = silentJob): Promise<void> {
    const own = this.#own(job)
    const server = await this.#route.writable()
    const subject = await this.#subjectOf(server, digest, own)
    await deleteManifest(server, this.#route, digest, own)
    this.#documents.forget(digest)
    this.#tagged.clear()
    if (!subject || (await knowsReferrers(server, this.#route, subject, own))) return
    await removeReferrer(server, this.#route, { subject, digest }, own)
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #readDocument(descriptor: Descriptor, job: Job): Promise<Buffer> {
    const known = this.#documents.get(descriptor.digest)
    if (known && known.bytes.length === descriptor.size) return known.bytes
    const bytes = await this.#route.first('pull', (server) => readDocument(server, this.#route, descriptor, job), job)
    this.#documents.keep({ descriptor, bytes })
    return bytes
  }

  /** What a manifest is about; what we cannot read is about nothing that we know. */
  async #subjectOf(server: Connection, digest: Digest, job: Job): Promise<Digest | undefined> {
    try {
      const { bytes, descriptor } = await fetchDocument(server, this.#route, digest, job)
      return subjectOf(parseImageDocument(bytes, descriptor.mediaType))?.digest
    } catch (error) {
      if (hasCode(error, 'MANIFEST_UNSUPPORTED', 'MANIFEST_INVALID', 'JSON_INVALID')) return undefined
      throw error
    }
  }

  async #writeDocument(
    server: Connection,
    descriptor: Descriptor,
    body: Body,
    as: string | undefined,
    job: Job,
  ): Promise<void> {
    const tooLarge = (): Error => fail('MANIFEST_INVALID', `manifest ${descriptor.digest} is too large`)
    const bytes = await collectBytes(verified(body, descriptor), LIMITS.manifestBytes, tooLarge)
    const document = parseImageDocument(bytes, descriptor.mediaType)
    const ref = as ?? descriptor.digest
    const { knowsSubject } = await putManifest(server, this.#route, { ref }, { descriptor, bytes }, job)
    this.#documents.keep({ descriptor, bytes })
    if (as !== undefined) this.#tagged.set(as, descriptor.digest)
    if (!knowsSubject) await addReferrer(server, this.#route, { document, descriptor }, job)
  }

  /** A manifest that is to be named: what was just read or written, else what the registry has. */
  async #document(server: Connection, descriptor: Descriptor, job: Job): Promise<Document> {
    const known = this.#documents.get(descriptor.digest)
    if (known) return known
    try {
      return await fetchDocument(server, this.#route, descriptor.digest, job)
    } catch (error) {
      if (!hasCode(error, 'IMAGE_NOT_FOUND')) throw error
      const { message, data } = error
      throw fail('BLOB_NOT_FOUND', message, { data, cause: error })
    }
  }

  /** Who is asked whether something is there: the server that would be written to, where there is one. */
  async #source(): Promise<Connection> {
    return this.#options.access === 'push' ? this.#route.writable() : this.#route.own()
  }

  /** The path of another repository of this registry; of another registry there is none. */
  #sibling(repository: string | undefined): string | undefined {
    if (repository === undefined) return undefined
    const { domain, path } = this.name
    const sibling = repository.startsWith(`${domain}/`) ? repository.slice(domain.length + 1) : repository
    return sibling === path || /^[^/]*[.:]/.test(sibling) ? undefined : sibling
  }

  /** The job, which also stops when the repository is closed. */
  #own(job: Job): Job {
    const { signal } = this.#closing
    const both = job.signal ? AbortSignal.any([job.signal, signal]) : signal
    return { progress: (event) => job.progress(event), signal: both }
  }
}
