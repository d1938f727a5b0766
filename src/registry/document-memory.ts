import type { Digest } from '../core/index.ts'
import type { Document } from './manifests.ts'

const MOST_BYTES = 16 << 20

/** Manifests that were just read or written: the next step, reading or naming them, needs no request then. */
export class DocumentMemory {
  readonly #documents = new Map<Digest, Document>()
  #bytes = 0

  get(digest: Digest): Document | undefined {
    return this.#documents.get(digest)
  }

  keep(document: Document): void {
    const { digest } = document.descriptor
    this.forget(digest)
    this.#documents.set(digest, document)
    this.#bytes += document.bytes.length
    for (const oldest of this.#documents.keys()) {
      if (this.#bytes <= MOST_BYTES) return
      this.forget(oldest)
    }
  }

  forget(digest: Digest): void {
    const known = this.#documents.get(digest)
    if (known && this.#documents.delete(digest)) this.#bytes -= known.bytes.length
  }
}
