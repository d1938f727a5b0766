import { renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Digest } from '../core/index.ts'
import { createIndex, writeIndex } from '../oci/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'

interface Row {
  name: string
  digest: Digest
  media_type: string
  size: number
}

/**
 * Writes `index.json`, so that other programs can read the store as an OCI image layout: an entry for every name. The
 * database is what counts here; the file only mirrors it, and may lag behind for one change after a crash. Call inside
 * the transaction that changed names, so that the latest writer is the latest in both.
 */
export function writeLayoutIndex(db: Database, layout: StoreLayout): void {
  const rows = db.all<Row>(
    `SELECT name, names.digest, media_type, size FROM names JOIN images ON names.digest = images.digest
     WHERE name NOT LIKE '%@%' ORDER BY name`,
  )
  const entries = rows.map(({ name, digest, media_type: mediaType, size }) => ({
    mediaType,
    digest,
    size,
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
  }))
  const target = path.join(layout.root, 'index.json')
  // there is one writer at a time, so one name is enough, and what a killed one left is written over
  const temporary = `${target}.tmp`
  writeFileSync(temporary, writeIndex(createIndex(entries)).bytes, { mode: 0o600 })
  renameSync(temporary, target)
}
