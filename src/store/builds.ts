import type { Database } from './database.ts'

/** One build of the recent past. */
export interface BuildRow {
  id: string
  /** What was built: builds of the same Dockerfile and context share it. */
  definition: string
  /** Unix milliseconds. */
  startedAt: number
  /** What is known of it, as JSON. */
  record: unknown
}

const MOST_BUILDS = 200
const MOST_OF_ONE = 10

/** The latest builds, for explanations. Older ones are forgotten by themselves. */
export class BuildStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Remembers a build, and forgets those that are too many. */
  save(build: BuildRow): void {
    const { id, definition, startedAt, record } = build
    const newest = 'ORDER BY started_at DESC, id LIMIT -1 OFFSET ?'
    this.#db.transaction(() => {
      this.#db.run(
        'INSERT OR REPLACE INTO builds VALUES (?, ?, ?, ?)',
        id,
        definition,
        startedAt,
        JSON.stringify(record),
      )
      const older = `SELECT id FROM builds WHERE definition = ? ${newest}`
      this.#db.run(`DELETE FROM builds WHERE id IN (${older})`, definition, MOST_OF_ONE)
      this.#db.run(`DELETE FROM builds WHERE id IN (SELECT id FROM builds ${newest})`, MOST_BUILDS)
    })
  }

  /** The builds of one definition, latest first. */
  of(definition: string): BuildRow[] {
    return this.#db
      .all<Row>('SELECT * FROM builds WHERE definition = ? ORDER BY started_at DESC, id', definition)
      .map(fromRow)
  }

  /** The latest build of all. */
  latest(): BuildRow | undefined {
    const row = this.#db.get<Row>('SELECT * FROM builds ORDER BY started_at DESC, id LIMIT 1')
    return row && fromRow(row)
  }
}

interface Row {
  id: string
  definition: string
  started_at: number
  record: string
}

const fromRow = (row: Row): BuildRow => ({
  id: row.id,
  definition: row.definition,
  startedAt: row.started_at,
  record: JSON.parse(row.record) as unknown,
})
