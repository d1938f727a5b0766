import { bytesOf, type Digest, fail, hasCode, isDigest } from '../../../core/index.ts'
import { type Descriptor, type ImageDocument, isLayerType, parseReference, repositoryOf } from '../../../oci/index.ts'
import { openRepository, type Store } from '../../../store/index.ts'
import { refuse } from '../failure.ts'
import type { Listeners } from '../listeners.ts'
import { readBlob } from '../sending/read-blob.ts'
import type {
  ChangeOptions,
  NewManifest,
  Page,
  RepositoryStorage,
  StoredBlob,
  StoredManifest,
  TagChange,
} from '../storage.ts'
import type { Contents } from './contents.ts'
import type { RecentContent } from './recent.ts'

/** What the repositories of one store share. */
export interface LocalContext {
  readonly store: Store
  readonly contents: Contents
  readonly recent: RecentContent
  readonly listeners: Listeners
}

/**
 * Images of the local store whose names begin alike. `team/app` of a client is `docker.io/team/app` here, as a user of
 * this machine would write it; `ghcr.io/team/app` is what it says. Readable is what a name of the repository leads to,
 * and what was pushed into it a short while ago.
 */
export class LocalRepository implements RepositoryStorage {
  readonly name: string
  readonly #context: LocalContext
  readonly #prefix: string

  constructor(name: string, context: LocalContext) {
    this.name = name
    this.#context = context
    this.#prefix = `${fullName(name)}:`
  }

  exists(): boolean {
    return this.#named().length > 0 || this.#context.recent.of(this.name).length > 0
  }

  manifest(reference: string): StoredManifest | undefined {
    const digest = isDigest(reference) ? reference : this.#tagged(reference)
    if (digest === undefined || !this.#isReadable(digest, 'manifest')) return undefined
    return this.#context.contents.manifest(digest)
  }

  describe(reference: string): Descriptor | undefined {
    const found = this.manifest(reference)
    return found && { mediaType: found.mediaType, digest: found.digest, size: found.bytes.length }
  }

  /** The store keeps no time of pulls. */
  pulled(): void {}

  async putManifest(manifest: NewManifest, tags: readonly string[], options: ChangeOptions = {}): Promise<void> {
    const { store, recent, listeners } = this.#context
    options.check?.()
    const { digest, mediaType, bytes, document } = manifest
    const isNew = !this.#isReadable(digest, 'manifest')
    const changes = tags.map((name): TagChange => ({ name, previous: this.#tagged(name) }))
    const change = {
      kind: 'manifest-put',
      repository: this.name,
      manifest,
      tags: changes,
      isNew,
      by: options.by,
    } as const
    listeners.before(change)
    await this.#importLayers(document)
    const target = openRepository(store, recent.lease)
    const descriptor = { mediaType, digest, size: bytes.length }
    await target.write(descriptor, bytesOf(bytes))
    recent.add(this.name, digest)
    for (const tag of tags) await target.tag(this.#prefix + tag, descriptor)
    listeners.after(change)
  }

  async deleteManifest(digest: Digest, options: ChangeOptions = {}): Promise<boolean> {
    const { store, recent, listeners } = this.#context
    options.check?.()
    const names = this.#named().filter((entry) => entry.digest === digest)
    if (names.length === 0 && !recent.has(this.name, digest)) return false
    const tags = names.map(({ tag }) => tag)
    const change = { kind: 'manifest-deleted', repository: this.name, digest, tags, by: options.by } as const
    listeners.before(change)
    for (const { tag } of names) store.images.untag(this.#prefix + tag)
    recent.forget(this.name, digest)
    listeners.after(change)
    return true
  }

  async deleteTag(tag: string, options: ChangeOptions = {}): Promise<boolean> {
    const { store, listeners, recent } = this.#context
    options.check?.()
    const digest = this.#tagged(tag)
    if (digest === undefined) return false
    const change = { kind: 'tag-deleted', repository: this.name, tag, digest, by: options.by } as const
    listeners.before(change)
    recent.add(this.name, digest)
    store.images.untag(this.#prefix + tag)
    listeners.after(change)
    return true
  }

  tags({ last = '', limit }: Page): string[] {
    const all = this.#named().map(({ tag }) => tag)
    return all
      .filter((tag) => tag > last)
      .sort()
      .slice(0, limit)
  }

  referrers(subject: Digest, page: Page & { artifactType?: string | undefined }): Descriptor[] {
    const { last = '', limit, artifactType } = page
    return this.#context.store.referrers
      .list(subject)
      .filter((entry) => entry.digest > last && this.#isReadable(entry.digest, 'manifest'))
      .filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
      .slice(0, limit)
  }

  blob(digest: Digest): StoredBlob | undefined {
    const { store, recent } = this.#context
    // hold first, then look: what is seen to be there stays until the push that asks has ended
    recent.lease.hold([digest])
    const size = store.blobs.size(digest)
    if (size === undefined || !this.#isReadable(digest, 'blob')) return undefined
    return { digest, size, path: store.blobs.path(digest) }
  }

  /** The store asks the disk each time. */
  lost(): void {}

  async mount(digest: Digest, from: string, options: ChangeOptions = {}): Promise<boolean> {
    options.check?.()
    const blob = new LocalRepository(from, this.#context).blob(digest)
    if (!blob) return false
    this.link(blob, { ...options, from })
    return true
  }

  /** Blobs belong to images here. */
  async deleteBlob(): Promise<boolean> {
    throw refuse('UNSUPPORTED', 'blobs of the local store go with their images')
  }

  /** Makes a blob of the store readable here. */
  link({ digest, size }: { digest: Digest; size: number }, options: ChangeOptions & { from?: string }): void {
    const { recent, listeners } = this.#context
    const change = {
      kind: 'blob-linked',
      repository: this.name,
      digest,
      size,
      from: options.from,
      by: options.by,
    } as const
    listeners.before(change)
    recent.add(this.name, digest)
    listeners.after(change)
  }

  /** Layers arrive as blobs; that they are layers, and must be unpacked, only their manifest says. */
  async #importLayers(document: ImageDocument): Promise<void> {
    if (document.kind === 'index') return
    const target = openRepository(this.#context.store, this.#context.recent.lease)
    const { config, layers } = document.manifest
    for (const descriptor of [config, ...layers]) {
      const blob = this.blob(descriptor.digest)
      if (!blob) {
        const { digest } = descriptor
        throw fail('BLOB_NOT_FOUND', `blob ${digest} is not in ${this.name}`, { data: { digest } })
      }
      if (!isLayerType(descriptor.mediaType) || (await target.has(descriptor))) continue
      await target.write(descriptor, readBlob(blob, { start: 0, end: blob.size }))
    }
  }

  #isReadable(digest: Digest, kind: 'manifest' | 'blob'): boolean {
    const { contents, recent } = this.#context
    if (recent.has(this.name, digest)) return true
    return contents.reaches(
      this.#named().map((entry) => entry.digest),
      digest,
      kind,
    )
  }

  #tagged(tag: string): Digest | undefined {
    return this.#context.store.images.named(this.#prefix + tag)?.descriptor.digest
  }

  #named(): { tag: string; digest: Digest }[] {
    return this.#context.store.images
      .list()
      .flatMap(({ names, descriptor }) =>
        names
          .filter((name) => name.startsWith(this.#prefix))
          .map((name) => ({ tag: name.slice(this.#prefix.length), digest: descriptor.digest })),
      )
  }
}

function fullName(name: string): string {
  try {
    return repositoryOf(parseReference(name))
  } catch (error) {
    if (!hasCode(error, 'REFERENCE_INVALID')) throw error
    throw refuse('NAME_INVALID', error.message)
  }
}
