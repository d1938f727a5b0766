import type { FileBody, FileSource } from '../../../build/index.ts'
import type { ByteString, Digest, Job } from '../../../core/index.ts'
import type { Entry } from '../../../layer/index.ts'

/** Files of another source; notes the folders in which something was looked for. */
export class RecordingSource implements FileSource {
  readonly keepsOwners: boolean
  readonly where: string
  readonly folders: Set<ByteString> = new Set()
  readonly #files: FileSource

  constructor(files: FileSource) {
    this.#files = files
    this.keepsOwners = files.keepsOwners
    this.where = files.where
  }

  stat(path: ByteString): Entry | undefined {
    const cut = path.lastIndexOf('/')
    this.folders.add((cut < 0 ? '' : path.slice(0, cut)) as ByteString)
    return this.#files.stat(path)
  }

  resolve(path: ByteString): ByteString {
    return this.#files.resolve(path)
  }

  list(path: ByteString): readonly Entry[] {
    this.folders.add(path)
    return this.#files.list(path)
  }

  body(entry: Entry): FileBody {
    return this.#files.body(entry)
  }

  digest(entry: Entry, job: Job): Digest | Promise<Digest> {
    return this.#files.digest(entry, job)
  }
}
