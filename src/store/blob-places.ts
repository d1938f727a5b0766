import type { Digest } from '../core/index.ts'
import type { Database } from './database.ts'

/** A repository of a registry. */
interface Place {
  domain: string
  path: string
}

/** Most repositories that are remembered of one blob at one registry. */
const MOST = 8

/** Where blobs were seen: in which repositories of which registries. What is remembered may be gone there since. */
export class BlobPlaces {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Notes that these are in a repository now. */
  add(digests: Iterable<Digest>, { domain, path }: Place): void {
    const rest = 'SELECT path FROM blob_places WHERE digest = ? AND domain = ? ORDER BY seen_at DESC LIMIT -1 OFFSET ?'
    this.#db.transaction(() => {
      for (const digest of digests) {
        this.#db.run('INSERT OR REPLACE INTO blob_places VALUES (?, ?, ?, ?)', digest, domain, path, Date.now())
        const old = `DELETE FROM blob_places WHERE digest = ? AND domain = ? AND path IN (${rest})`
        this.#db.run(old, digest, domain, digest, domain, MOST)
      }
    })
  }

  /** Another repository of the registry that has it: that with the most folders of its name in common, else the latest. */
  find(digest: Digest, { domain, path }: Place): string | undefined {
    const sql = 'SELECT path FROM blob_places WHERE digest = ? AND domain = ? AND path <> ? ORDER BY seen_at DESC, path'
    const paths = this.#db.all<{ path: string }>(sql, digest, domain, path).map((row) => row.path)
    return paths.sort((a, b) => inCommon(b, path) - inCommon(a, path))[0]
  }
}

function inCommon(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')]
  const different = left.findIndex((part, at) => part !== right[at])
  return different < 0 ? left.length : different
}
