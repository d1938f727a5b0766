import type { Digest, Job } from '../core/index.ts'

/** An upload that a registry knows about and has not got the end of. */
export interface UnfinishedUpload {
  /** Registry and repository as in references: `localhost:5000/team/app`. */
  readonly repository: string
  readonly digest: Digest
  /** Where it continues: an absolute URL. */
  readonly location: string
  /** Bytes that were sent; how many the registry has, only it knows. */
  readonly offset: number
  readonly size: number
}

/** Remembers unfinished uploads from one process to the next. */
export interface UploadJournal {
  find(repository: string, digest: Digest): UnfinishedUpload | undefined
  /** Replaces what was known of this digest in this repository. */
  save(upload: UnfinishedUpload): void
  forget(repository: string, digest: Digest): void
  /** Waits until no other process sends this blob there; `waiting` is called when one does. Others wait until the end of it. */
  claim(repository: string, digest: Digest, waiting: () => void, job: Job): Promise<AsyncDisposable>
}
