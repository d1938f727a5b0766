import type { RegistryDatabase } from '../folder/database.ts'

/** What upkeep remembers between runs, by a name; `undefined` when there is nothing. */
export function readState<T>(db: RegistryDatabase, key: string): T | undefined {
  const row = db.get<{ value: string }>('SELECT value FROM upkeep_state WHERE key = ?', key)
  return row && (JSON.parse(row.value) as T)
}

export function writeState(db: RegistryDatabase, key: string, value: object): void {
  db.run(
    'INSERT INTO upkeep_state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ...[key, JSON.stringify(value)],
  )
}
