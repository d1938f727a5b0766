import type { RegistryDatabase } from '../folder/database.ts'

/** Something that somebody did, or was not allowed to. */
export interface AuditRecord {
  id: number
  /** Unix milliseconds. */
  time: number
  /** Empty for anonymous; `registry:gc` and such for the registry itself. */
  actor: string
  action: string
  repository?: string | undefined
  /** Tag or digest; the path of a request that was denied. */
  reference?: string | undefined
  outcome: 'done' | 'denied'
  /** The address it came from. */
  remote: string
  detail?: string | undefined
}

/** Which records are wanted. */
export interface AuditFilter {
  limit: number
  /** Older than this record. */
  before?: number | undefined
  actor?: string | undefined
  action?: string | undefined
  repository?: string | undefined
}

/** Who did what, when, from where: rows in the registry's tables that live for a while. */
export interface Audit {
  /** Whether pulls are recorded too. */
  readonly pulls: boolean
  /** Writes a record, as part of the transaction under way. */
  add(record: Omit<AuditRecord, 'id' | 'time'>): void
  /** The latest first. */
  list(filter: AuditFilter): AuditRecord[]
  /** Removes what is too old; returns how many. */
  expire(): number
}

export function createAudit(db: RegistryDatabase, { keep, pulls }: { keep: number; pulls: boolean }): Audit {
  return {
    pulls,
    add({ actor, action, repository, reference, outcome, remote, detail }) {
      db.run(
        `INSERT INTO audit (happened_at, actor, action, repository, reference, outcome, remote, detail)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[Date.now(), actor, action, repository ?? null, reference ?? null, outcome, remote, detail ?? null],
      )
    },
    list: ({ limit, before, actor, action, repository }) =>
      db
        .all<{ [K in keyof AuditRecord]: AuditRecord[K] | null }>(
          `SELECT id, happened_at AS time, actor, action, repository, reference, outcome, remote, detail FROM audit
           WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
             AND (?4 IS NULL OR repository = ?4) ORDER BY id DESC LIMIT ?5`,
          ...[before ?? null, actor ?? null, action ?? null, repository ?? null, limit],
        )
        .map(
          (row) =>
            Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as AuditRecord,
        ),
    expire: () => db.run('DELETE FROM audit WHERE happened_at < ?', Date.now() - keep),
  }
}
