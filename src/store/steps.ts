import type { Digest } from '../core/index.ts'
import type { Database } from './database.ts'

/** One remembered build step: why it had this key, and what it made. */
export interface StepRecord {
  /** Digest of the key document: the operation and its inputs' content. */
  key: Digest
  /** Digest of the operation alone: steps that differ only in their inputs share it. */
  opKey: Digest
  /** The key document itself, as JSON, so that a later miss can be explained. */
  document: unknown
  /** The layers that the step added, bottom first. */
  diffIds: readonly Digest[]
  /** When the step ran, Unix milliseconds. */
  createdAt: number
}

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
    const row = this.#db.get<StepRow>('SELECT * FROM steps WHERE key = ?', key)
    if (!row) return undefined
    this.#db.run('UPDATE steps SET used_at = ?, uses = uses + 1 WHERE key = ?', Date.now(), key)
    return fromRow(row)
  }

  /** All steps of one operation, latest first. */
  ofOperation(opKey: Digest): StepRecord[] {
    return this.#db.all<StepRow>('SELECT * FROM steps WHERE op_key = ? ORDER BY created_at DESC', opKey).map(fromRow)
  }

  /** Remembers a step whose layers have reached the disk. A newer result replaces an older one. */
  save(record: StepRecord): void {
    const { key, opKey, document, diffIds, createdAt } = record
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM steps WHERE key = ?', key)
      const result = JSON.stringify(diffIds)
      const values = [key, opKey, JSON.stringify(document), result, createdAt, Date.now(), 0]
      this.#db.run('INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)', ...values)
      for (const diffId of diffIds) this.#db.run('INSERT OR IGNORE INTO step_layers VALUES (?, ?)', key, diffId)
    })
  }

  /** Forgets a step, for instance when its layers turn out to be missing. */
  forget(key: Digest): void {
    this.#db.run('DELETE FROM steps WHERE key = ?', key)
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
}

function fromRow(row: StepRow): StepRecord {
  return {
    key: row.key,
    opKey: row.op_key,
    document: JSON.parse(row.document) as unknown,
    diffIds: JSON.parse(row.result) as Digest[],
    createdAt: row.created_at,
  }
}
