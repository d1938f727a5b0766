import { randomBytes } from 'node:crypto'
import { type Digest, fail } from '../core/index.ts'
import type { Database } from './database.ts'

/** A container as the store keeps it. `record` belongs to the engine: plain data, written whole. */
export interface StoredContainer<R = unknown> {
  /** 64 hex digits. */
  id: string
  /** Unique, without a slash. */
  name: string
  /** The image that it keeps alive: digest of a manifest or an index. */
  imageDigest: Digest
  record: R
  /** Unix milliseconds. */
  createdAt: number
}

/** Container records. Their state (running, exited) is not here: it is asked of the machine. */
export class ContainerStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** A fresh id. */
  newId(): string {
    return randomBytes(32).toString('hex')
  }

  /**
   * Has reached the disk when it returns. Fails with `CONTAINER_NAME_TAKEN`, in Docker's words, and with
   * `IMAGE_NOT_FOUND` when the image has gone meanwhile.
   */
  add(container: StoredContainer): void {
    this.#db.durably(() => {
      const { id, name, imageDigest, record, createdAt } = container
      const other = this.#db.get<{ id: string }>('SELECT id FROM containers WHERE name = ?', name)
      if (other) {
        const message = `Conflict. The container name "/${name}" is already in use by container "${other.id}". You have to remove (or rename) that container to be able to reuse that name.`
        throw fail('CONTAINER_NAME_TAKEN', message)
      }
      if (!this.#db.get('SELECT 1 FROM images WHERE digest = ?', imageDigest)) {
        throw fail('IMAGE_NOT_FOUND', `No such image: ${imageDigest}`)
      }
      const values = [id, name, imageDigest, JSON.stringify(record), createdAt]
      this.#db.run('INSERT INTO containers VALUES (?, ?, ?, ?, ?)', ...values)
    })
  }

  update(id: string, record: unknown): void {
    this.#db.durably(() => this.#db.run('UPDATE containers SET record = ? WHERE id = ?', JSON.stringify(record), id))
  }

  remove(id: string): void {
    this.#db.durably(() => this.#db.run('DELETE FROM containers WHERE id = ?', id))
  }

  /** All containers, newest first. */
  list<R>(): StoredContainer<R>[] {
    return this.#db.all<ContainerRow>('SELECT * FROM containers ORDER BY created_at DESC').map((row) => fromRow<R>(row))
  }

  /**
   * By full id, by name, or by the beginning of an id that fits one container only, in this order.
   * `undefined` when there is none; fails with `CONTAINER_AMBIGUOUS`.
   */
  find<R>(text: string): StoredContainer<R> | undefined {
    const name = text.replace(/^\//, '')
    const exact =
      this.#db.get<ContainerRow>('SELECT * FROM containers WHERE id = ?', text) ??
      this.#db.get<ContainerRow>('SELECT * FROM containers WHERE name = ?', name)
    if (exact) return fromRow(exact)
    if (!/^[a-f0-9]{1,64}$/.test(text)) return undefined
    const rows = this.#db.all<ContainerRow>('SELECT * FROM containers WHERE id >= ? AND id < ?', text, `${text}g`)
    if (rows.length > 1) {
      throw fail('CONTAINER_AMBIGUOUS', `Multiple IDs found with provided prefix: ${text}`)
    }
    return rows[0] && fromRow(rows[0])
  }
}

interface ContainerRow {
  id: string
  name: string
  image_digest: Digest
  record: string
  created_at: number
}

function fromRow<R>(row: ContainerRow): StoredContainer<R> {
  return {
    id: row.id,
    name: row.name,
    imageDigest: row.image_digest,
    record: JSON.parse(row.record) as R,
    createdAt: row.created_at,
  }
}
