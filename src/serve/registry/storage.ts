import type { Bytes, Digest, DigestAlgorithm } from '../../core/index.ts'
import type { Descriptor, ImageDocument } from '../../oci/index.ts'

/**
 * What a registry keeps. Reading is synchronous and answered from memory or SQLite, never by listing a file system.
 * A change is made at once, in one transaction; its promise resolves when it has reached the disk, and whoever wants to
 * say that it happened waits for that.
 */
export interface RegistryStorage extends AsyncDisposable {
  readonly uploads: UploadStorage
  /** Adds a listener to every change from now on. */
  listen(listener: ChangeListener): void
  /** A repository by its name, which must be well formed. It need not exist; writing into it makes it. */
  repository(name: string): RepositoryStorage
  /** Names of repositories that hold something, in order of their bytes, those after `last`. */
  repositories(page: Page): string[]
  /** Repositories through which a blob can be read, for mounts without `from`. */
  repositoriesWith(digest: Digest, limit: number): string[]
}

/** A part of a sorted list. */
export interface Page {
  /** The last entry that the caller has; it need not exist. */
  last?: string | undefined
  limit: number
}

/** A manifest or index, byte for byte as it was pushed. */
export interface StoredManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** A blob as a file. The file never changes; it may go while it is open, which does not disturb the reader. */
export interface StoredBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly path: string
}

/** A manifest that is to be stored. */
export interface NewManifest extends StoredManifest {
  /** Its parsed form. */
  readonly document: ImageDocument
}

/** Who causes a change, and on what condition. */
export interface ChangeOptions {
  /** Who asks, for records: the name of a user or robot; absent when anonymous. */
  by?: string | undefined
  /** The caller's condition (`If-Match`); called inside the transaction, throws to stop it. */
  check?(): void
  /** Takes a manifest also while blobs that it names are not here: they come when somebody asks for them. */
  isPartial?: boolean
}

/** One repository. Only what was pushed or mounted into it can be read from it, whatever other repositories hold. */
export interface RepositoryStorage {
  readonly name: string
  /** Whether anything is in it, or was. */
  exists(): boolean
  /** By tag or digest. */
  manifest(reference: string): StoredManifest | undefined
  /** Notes that a manifest was pulled. */
  pulled(digest: Digest): void
  /** What a tag or digest stands for, without the bytes. */
  describe(reference: string): Descriptor | undefined
  /** Stores a manifest and gives it the tags, all or nothing. Same content again is no error. */
  putManifest(manifest: NewManifest, tags: readonly string[], options?: ChangeOptions): Promise<void>
  /** Takes a manifest away with all its tags; false when there is none. */
  deleteManifest(digest: Digest, options?: ChangeOptions): Promise<boolean>
  /** Takes a tag away, the manifest stays; false when there is none. */
  deleteTag(tag: string, options?: ChangeOptions): Promise<boolean>
  tags(page: Page): string[]
  /** Manifests with this subject, sorted by digest; `last` is a digest. */
  referrers(subject: Digest, page: Page & { artifactType?: string | undefined }): Descriptor[]
  /** Also says that somebody needs the blob: collection leaves it alone for a while. */
  blob(digest: Digest): StoredBlob | undefined
  /** The file of a blob was not found: where that is so, `blob` does not find it either until it is pushed again. */
  lost(digest: Digest): void
  /** Makes a blob of another repository readable here; false when it is not there any more. */
  mount(digest: Digest, from: string, options?: ChangeOptions): Promise<boolean>
  deleteBlob(digest: Digest, options?: ChangeOptions): Promise<boolean>
}

/** Uploads of blobs under way. They survive the end of the process. */
export interface UploadStorage {
  start(repository: string, options: { algorithm?: DigestAlgorithm; by?: string | undefined }): Upload
  /** An upload of this repository; one of another is not found. */
  find(repository: string, id: string): Upload | undefined
  /** Drops uploads that nothing came for since a time (Unix milliseconds); returns how many. */
  expire(before: number): number
}

/** One blob on its way. At most one call is under way at any time: `take` says no to a second. */
export interface Upload {
  readonly id: string
  readonly repository: string
  /** Bytes that have arrived. */
  readonly offset: number
  /** Claims the upload for one request; `undefined` while another has it. */
  take(): UploadHold | undefined
}

/** The right to change an upload, until it is disposed. */
export interface UploadHold extends Disposable {
  /**
   * Takes bytes at the end, until there are `limit` in all: a stream with more fails with `SIZE_INVALID`. What arrived
   * before a stream broke is kept. Resolves with the new offset.
   */
  append(bytes: Bytes, limit: number): Promise<number>
  /** Resolves when everything that was appended is on the disk, and would be found after a power failure. */
  sync(): Promise<void>
  /** Verifies the digest and makes the bytes a blob of the repository. Fails with `CONTENT_MISMATCH`; the upload is gone either way. */
  commit(digest: Digest, options?: ChangeOptions): Promise<StoredBlob>
  cancel(): void
}

/** Something that is about to change, or has, in one repository. */
export type Change =
  | {
      kind: 'manifest-put'
      repository: string
      manifest: NewManifest
      tags: readonly TagChange[]
      isNew: boolean
      by?: string | undefined
    }
  | { kind: 'manifest-deleted'; repository: string; digest: Digest; tags: readonly string[]; by?: string | undefined }
  | { kind: 'tag-deleted'; repository: string; tag: string; digest: Digest; by?: string | undefined }
  /** A blob becomes readable in a repository, by an upload or a mount. */
  | {
      kind: 'blob-linked'
      repository: string
      digest: Digest
      size: number
      from?: string | undefined
      by?: string | undefined
    }
  | { kind: 'blob-deleted'; repository: string; digest: Digest; by?: string | undefined }

/** A tag that a push sets, and what it stood for. */
export interface TagChange {
  readonly name: string
  readonly previous?: Digest | undefined
}

/**
 * Listens to changes inside their transactions. `before` throws (`refuse(...)`) to stop one: immutable tags, quotas.
 * `after` may write rows of its own (events, audit), which are there exactly if the change is.
 */
export interface ChangeListener {
  before?(change: Change): void
  after?(change: Change): void
}
