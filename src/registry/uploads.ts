import type { Digest } from '../core/index.ts'

/** An upload that a registry knows about and has not got the end of. */
export interface UnfinishedUpload {
  /** Registry and repository as in references: `localhost:5000/team/app`. */
  readonly repository: string
  readonly digest: Digest
  /** Where it continues: an absolute URL. */
  readonly location: string
  /** Bytes that the registry had when it was last asked. */
  readonly offset: number
  readonly size: number
}

/** Remembers unfinished uploads from one process to the next. */
export interface UploadJournal {
  find(repository: string, digest: Digest): UnfinishedUpload | undefined
  /** Replaces what was known of this digest in this repository. */
  save(upload: UnfinishedUpload): void
  forget(repository: string, digest: Digest): void
}
