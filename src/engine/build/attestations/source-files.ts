import { readFileSync } from 'node:fs'
import type { FileSource } from '../../../build/index.ts'
import { type ByteString, fail, toByteString } from '../../../core/index.ts'
import type { Files } from '../../../scan/index.ts'

/** Files that COPY could copy, to be scanned: those of a build context, without what .dockerignore leaves out. */
export function filesOfSource(source: FileSource): Files {
  return {
    *walk() {
      const pending = [toByteString('')]
      for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
        for (const entry of source.list(folder)) {
          yield entry
          if (entry.kind === 'directory') pending.push(entry.path)
        }
      }
    },
    readFile(path: ByteString, maxBytes: number) {
      const entry = source.stat(source.resolve(path))
      if (entry?.kind !== 'file') return undefined
      if (entry.size > maxBytes) throw fail('TREE_FILE_TOO_LARGE', `has ${entry.size} bytes`)
      const body = source.body(entry)
      if ('tree' in body) return body.tree.readFile(body.path, maxBytes)
      return 'bytes' in body ? body.bytes : readFileSync(body.hostPath)
    },
  }
}
