import { type ByteString, type Digest, digestOf, toByteString } from '../../core/index.ts'
import type { Entry } from '../../layer/index.ts'
import type { FileBody, FileSource } from './source.ts'

/** One file that exists only in memory or as a download: a heredoc of a Dockerfile, the answer to ADD of a URL. */
export class SingleFileSource implements FileSource {
  readonly keepsOwners = false
  readonly where = 'here'
  readonly #entry: Entry
  readonly #body: FileBody
  readonly #digest: Digest

  /** `time` in Unix seconds. */
  constructor(file: { name: string; mode: number; time: number; size: number; digest: Digest; body: FileBody }) {
    const { name, mode, time, size } = file
    const owner = { uid: 0, gid: 0, inode: 1, nlink: 1 }
    this.#entry = {
      path: toByteString(name),
      kind: 'file',
      mode,
      size,
      mtime: { seconds: time, nanoseconds: 0 },
      ...owner,
    }
    this.#body = file.body
    this.#digest = file.digest
  }

  /** A file of this text, as a heredoc makes it: mode 0644. */
  static ofText(name: string, text: string, time: number): SingleFileSource {
    const bytes = Buffer.from(text)
    return new SingleFileSource({
      name,
      mode: 0o644,
      time,
      size: bytes.length,
      digest: digestOf(bytes),
      body: { bytes },
    })
  }

  stat(path: ByteString): Entry | undefined {
    return path === this.#entry.path ? this.#entry : undefined
  }

  resolve(path: ByteString): ByteString {
    return path
  }

  list(): readonly Entry[] {
    return [this.#entry]
  }

  body(): FileBody {
    return this.#body
  }

  digest(): Digest {
    return this.#digest
  }
}
