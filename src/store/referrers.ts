import type { Digest } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { Database } from './database.ts'

/** Manifests that point at others with `subject`: signatures, SBOMs. They live as long as what they point at. */
export class ReferrerStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Notes that the manifest of `entry` refers to `subject`, which may arrive later. */
  add(subject: Digest, entry: Descriptor): void {
    this.#db.transaction(() => {
      this.#db.run('INSERT OR REPLACE INTO referrers VALUES (?, ?, ?)', subject, entry.digest, JSON.stringify(entry))
      this.#db.run('INSERT OR IGNORE INTO links VALUES (?, ?)', subject, entry.digest)
    })
  }

  /** As the referrers API lists them (distribution spec, "Listing Referrers"). */
  list(subject: Digest): Descriptor[] {
    const rows = this.#db.all<{ entry: string }>(
      'SELECT entry FROM referrers WHERE subject = ? ORDER BY digest',
      subject,
    )
    return rows.map((row) => JSON.parse(row.entry) as Descriptor)
  }
}
