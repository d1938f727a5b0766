import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type Digest, isDigest } from '../../core/index.ts'
import type { MemoStore } from '../../store/index.ts'
import type { KeyPart } from '../key-part.ts'

const KIND = 'copied-files'
const FORGET_AFTER = 30 * 24 * 3600_000
/** Of all lists that are kept, compressed. */
const MOST_BYTES = 64 << 20
/** Of one list, not compressed: some 300,000 files. What has more is not explained file by file. */
const LONGEST = 48 << 20

/** Takes down one list while its digest is made. */
export interface ListNote {
  add(lines: string): void
  end(digest: Digest): void
}

/**
 * The lists of files whose digests stand in key documents, so that a miss can name the file that changed. They are held
 * while a build runs, and kept, compressed, when a step is remembered; an unchanged build writes none.
 */
export class FileLists {
  readonly #memos: MemoStore
  readonly #held = new Map<Digest, readonly string[]>()

  constructor(memos: MemoStore) {
    this.#memos = memos
  }

  /** Begins a list, as lines of latin1 text. */
  note(): ListNote {
    const parts: string[] = []
    let length = 0
    return {
      add(lines) {
        length += lines.length
        if (length <= LONGEST) parts.push(lines)
      },
      end: (digest) => {
        if (length <= LONGEST) this.#held.set(digest, parts)
      },
    }
  }

  /** Keeps the lists of all digests that occur in the content part of a key document. */
  keep(content: KeyPart): void {
    for (const digest of digestsIn(content)) this.#keep(digest)
  }

  /** The list with this digest, if it is still known. */
  get(digest: Digest): string | undefined {
    const held = this.#held.get(digest)
    if (held) return held.join('')
    const kept = this.#memos.get(KIND, digest)
    return kept && zstdDecompressSync(kept, { maxOutputLength: LONGEST }).toString('latin1')
  }

  #keep(digest: Digest): void {
    const parts = this.#held.get(digest)
    if (!parts) return
    const params = { [constants.ZSTD_c_compressionLevel]: 1 }
    this.#memos.set(KIND, digest, zstdCompressSync(Buffer.from(parts.join(''), 'latin1'), { params }))
    this.#memos.forgetOlder(KIND, FORGET_AFTER)
    this.#memos.forgetBeyond(KIND, MOST_BYTES)
  }
}

function digestsIn(part: KeyPart): Digest[] {
  if (typeof part === 'string') return isDigest(part) ? [part] : []
  if (typeof part !== 'object' || part === null) return []
  return Object.values(part).flatMap(digestsIn)
}
