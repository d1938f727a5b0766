import type { ByteString, Digest, Job } from '../../core/index.ts'
import type { Entry, FileSource as FileBody } from '../../layer/index.ts'

export type { FileBody }

/** Files that COPY and ADD read: a folder of the user's, the file system of a stage, a download. Paths as in `Entry`. */
export interface FileSource {
  /** The entry itself, a symlink not followed; its parents are followed, inside. `undefined` when there is none. */
  stat(path: ByteString): Entry | undefined
  /** The path with all symlinks followed, inside; what does not exist stays as it is written. */
  resolve(path: ByteString): ByteString
  /** The entries of a directory, in byte order. */
  list(path: ByteString): readonly Entry[]
  body(entry: Entry): FileBody
  /** Digest of a regular file's content. Remembered where that is cheaper than reading. */
  digest(entry: Entry, job: Job): Digest | Promise<Digest>
  /** Files of the user's belong to root in the image; those of a stage keep their owners. */
  readonly keepsOwners: boolean
  /** For messages: "in the build context", "in the stage builder". */
  readonly where: string
}
