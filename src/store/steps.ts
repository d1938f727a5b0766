import type { Digest } from '../core/index.ts'
import type { Database } from './database.ts'

/** One remembered build step: why it had this key, and what it made. */
export interface StepRecord {
  /** Digest of the key document: the operation and its inputs' content. */
  key: Digest
  /** Digest of the operation alone: steps that differ only in their inputs share it. */
  opKey: Digest
  /** The key document as JSON, values of secrets taken out, so that a later miss can be explained. */
  document: unknown
  /** The layers that the step added, bottom first. */
  diffIds: readonly Digest[]
  /** When the step ran, Unix milliseconds; of one with the result of an earlier one perhaps when that did. */
  createdAt: number
  /** When the run began that wrote the layers, where that was an earlier one. */
  beganAt?: number
  /** When that had ended; 0 when that is not known. */
  endedAt?: number
  /** What progress called it; empty for work that no step of a Dockerfile stands for. */
  label?: string
  /** The kind of the operation. */
  kind?: string
}

/** A step as lists of the build cache show it. */
export interface StepUse {
  key: Digest
  label: string
  kind: string
  diffIds: readonly Digest[]
  createdAt: number
  /** Unix milliseconds. */
  usedAt: number
  /** How often it was found, not counting its making. */
  uses: number
}

/** Why a step is no longer remembered. */
export type EvictionReason = 'pruned' | 'layers-missing'

// a row takes about 100 bytes
const MOST_TOMBSTONES = 10_000

const SHARED = `
WITH RECURSIVE reachable (digest) AS (
  SELECT digest FROM images
  UNION SELECT image_digest FROM containers
  UNION SELECT links.child FROM links JOIN reachable ON links.parent = reachable.digest
)
SELECT DISTINCT diff_id AS digest FROM step_layers JOIN reachable ON diff_id = digest
`

/** The build cache: steps by key. A record whose layers are gone is no record. */
export class StepStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Whether any step of this operation is remembered. If not, there is no need to compute a key. */
  knowsOperation(opKey: Digest): boolean {
    return this.#db.get('SELECT 1 FROM steps WHERE op_key = ? LIMIT 1', opKey) !== undefined
  }

  /** The step of this key; counts as a use. */
  find(key: Digest): StepRecord | undefined {
    const found = this.get(key)
    if (found) this.#db.run('UPDATE steps SET used_at = ?, uses = uses + 1 WHERE key = ?', Date.now(), key)
    return found
  }

  /** The step of this key, only to look at it. */
  get(key: Digest): StepRecord | undefined {
    const row = this.#db.get<StepRow>('SELECT * FROM steps WHERE key = ?', key)
    return row && fromRow(row)
  }

  /** All steps of one operation, latest first. */
  ofOperation(opKey: Digest): StepRecord[] {
    return this.#db.all<StepRow>('SELECT * FROM steps WHERE op_key = ? ORDER BY created_at DESC', opKey).map(fromRow)
  }

  /** The latest steps that progress called so, at most ten. */
  withLabel(label: string): StepRecord[] {
    const sql = 'SELECT * FROM steps WHERE label = ? ORDER BY created_at DESC LIMIT 10'
    return this.#db.all<StepRow>(sql, label).map(fromRow)
  }

  /** The steps that added this layer, the first one first; at most 50. */
  withLayer(diffId: Digest): StepRecord[] {
    const sql = `SELECT steps.* FROM steps JOIN step_layers USING (key) WHERE diff_id = ? ORDER BY created_at LIMIT 50`
    return this.#db.all<StepRow>(sql, diffId).map(fromRow)
  }

  /**
   * Steps of one kind that added a single layer of this size and number of entries: those whose result may be the same
   * but for its times. Latest first, at most 64.
   */
  similar(kind: string, layer: { size: number; entries: number }): StepRecord[] {
    const sql = `SELECT steps.* FROM layers JOIN step_layers ON step_layers.diff_id = layers.diff_id JOIN steps USING (key)
      WHERE layers.size = ? AND layers.entries = ? AND kind = ? ORDER BY created_at DESC LIMIT 64`
    const records = this.#db.all<StepRow>(sql, layer.size, layer.entries, kind).map(fromRow)
    return records.filter((record) => record.diffIds.length === 1)
  }

  /** Remembers a step whose layers have reached the disk. A newer result replaces an older one. */
  save(record: StepRecord): void {
    const { key, opKey, document, diffIds, createdAt, beganAt = 0, endedAt = 0, label = '', kind = '' } = record
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM steps WHERE key = ?', key)
      this.#db.run('DELETE FROM evicted_steps WHERE key = ?', key)
      const result = JSON.stringify(diffIds)
      const values = [
        key,
        opKey,
        JSON.stringify(document),
        result,
        createdAt,
        Date.now(),
        0,
        label,
        kind,
        endedAt,
        beganAt,
      ]
      this.#db.run('INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', ...values)
      for (const diffId of diffIds) this.#db.run('INSERT OR IGNORE INTO step_layers VALUES (?, ?)', key, diffId)
    })
  }

  /** Forgets a step, and remembers no more than that it was there. */
  forget(key: Digest, reason: EvictionReason = 'layers-missing'): void {
    this.#db.transaction(() => {
      if (this.#db.run('DELETE FROM steps WHERE key = ?', key) === 0) return
      this.#db.run('INSERT OR REPLACE INTO evicted_steps VALUES (?, ?, ?)', key, reason, Date.now())
      const surplus = 'SELECT key FROM evicted_steps ORDER BY evicted_at DESC LIMIT -1 OFFSET ?'
      this.#db.run(`DELETE FROM evicted_steps WHERE key IN (${surplus})`, MOST_TOMBSTONES)
    })
  }

  /** Why and when the step of this key was forgotten (Unix milliseconds), as far as that is still known. */
  evicted(key: Digest): { reason: EvictionReason; at: number } | undefined {
    const sql = 'SELECT reason, evicted_at AS at FROM evicted_steps WHERE key = ?'
    return this.#db.get<{ reason: EvictionReason; at: number }>(sql, key)
  }

  /** All steps, the one that was not used for the longest time first. */
  list(): StepUse[] {
    const rows = this.#db.all<UseRow>(
      'SELECT key, label, kind, result, created_at, used_at, uses FROM steps ORDER BY used_at, key',
    )
    return rows.map(({ key, label, kind, uses, ...row }) => ({
      ...{ key, label, kind, uses },
      diffIds: JSON.parse(row.result) as Digest[],
      createdAt: row.created_at,
      usedAt: row.used_at,
    }))
  }

  /** Those layers of remembered steps that images or containers need as well. */
  sharedLayers(): Set<Digest> {
    return new Set(this.#db.all<{ digest: Digest }>(SHARED).map((row) => row.digest))
  }

  /** Forgets all steps; returns how many there were. */
  clear(): number {
    return this.#db.run('DELETE FROM steps')
  }
}

interface StepRow {
  key: Digest
  op_key: Digest
  document: string
  result: string
  created_at: number
  label: string
  kind: string
  ended_at: number
  began_at: number
}

interface UseRow {
  key: Digest
  label: string
  kind: string
  result: string
  created_at: number
  used_at: number
  uses: number
}

function fromRow(row: StepRow): StepRecord {
  return {
    key: row.key,
    opKey: row.op_key,
    document: JSON.parse(row.document) as unknown,
    diffIds: JSON.parse(row.result) as Digest[],
    createdAt: row.created_at,
    ...(row.began_at === 0 ? {} : { beganAt: row.began_at }),
    endedAt: row.ended_at,
    label: row.label,
    kind: row.kind,
  }
}
