import type { CacheRecord } from '../../engine/index.ts'
import type { ListFormats, Row } from '../template/index.ts'
import { humanAge } from './durations.ts'
import { escapeMessage, escapeName } from './escape.ts'
import { humanSize } from './sizes.ts'
import { goTimeOfText } from './times.ts'

/** The fields of `builder du`, and its table. */
export const CACHE_FORMATS: ListFormats = {
  typeName: '*commands.diskusageContext',
  headers: {
    ID: 'ID',
    Parents: 'PARENTS',
    CreatedAt: 'CREATED AT',
    Mutable: 'MUTABLE',
    Reclaimable: 'RECLAIMABLE',
    Shared: 'SHARED',
    Size: 'SIZE',
    Description: 'DESCRIPTION',
    UsageCount: 'USAGE COUNT',
    LastUsedAt: 'LAST ACCESSED',
    Type: 'TYPE',
  },
  // the headings go through it as well
  named: {
    table: 'table {{.ID}}{{if eq (print .Mutable) "true"}}*{{end}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedAt}}',
  },
}

/** A record as `--format` sees it. */
export function cacheRow(record: CacheRecord, now: Date): Row {
  return {
    ID: record.id,
    Parents: null,
    CreatedAt: goTimeOfText(new Date(record.createdAt).toISOString()),
    Mutable: record.mutable,
    Reclaimable: !record.inUse,
    Shared: record.shared,
    Size: humanSize(record.bytes) + (record.shared ? '*' : ''),
    Description: escapeName(record.description),
    UsageCount: record.uses,
    LastUsedAt: humanAge(new Date(record.usedAt), now),
    Type: record.type,
  }
}

/** All that is known of the records, a paragraph each: `--verbose`. */
export function renderVerbose(records: readonly CacheRecord[], now: Date): string {
  return records.map((record) => paragraph(record, now)).join('')
}

function paragraph(record: CacheRecord, now: Date): string {
  const row = cacheRow(record, now)
  const lines = [
    ['ID', record.id],
    ['Created at', row['CreatedAt']],
    ['Mutable', record.mutable],
    ['Reclaimable', !record.inUse],
    ['Shared', record.shared],
    ['Size', humanSize(record.bytes)],
    ['Description', escapeMessage(record.description)],
    ['Usage count', record.uses],
    ['Last used', row['LastUsedAt']],
    ['Type', record.type],
  ]
  return `${lines.map(([name, value]) => `${`${String(name)}:`.padEnd(14)}${String(value)}\n`).join('')}\n`
}
