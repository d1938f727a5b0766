import {
  type ByteString,
  checkCanceled,
  createDigester,
  type Digest,
  type Job,
  toByteString,
} from '../../core/index.ts'
import type { Entry, FileTree } from '../../layer/index.ts'
import type { FileBody, FileSource } from './source.ts'

/** The root of an image without layers. */
const NOTHING: Entry = {
  path: toByteString(''),
  kind: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  size: 0,
  inode: 0,
  nlink: 1,
}

/** The file system of a stage or an image as something to copy from. `where` is for messages. */
export class TreeSource implements FileSource {
  readonly keepsOwners = true
  readonly where: string
  readonly #tree: FileTree

  constructor(tree: FileTree, where: string) {
    this.#tree = tree
    this.where = where
  }

  stat(path: ByteString): Entry | undefined {
    return this.#tree.stat(path) ?? (path === '' ? NOTHING : undefined)
  }

  resolve(path: ByteString): ByteString {
    return this.#tree.resolve(path)
  }

  list(path: ByteString): readonly Entry[] {
    return this.#tree.list(path)
  }

  body(entry: Entry): FileBody {
    return { tree: this.#tree, path: entry.path }
  }

  async digest(entry: Entry, job: Job): Promise<Digest> {
    const digester = createDigester()
    for await (const chunk of this.#tree.read(entry.path)) {
      checkCanceled(job)
      digester.update(chunk)
    }
    return digester.digest()
  }
}
