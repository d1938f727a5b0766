/**
 * Plays rows of other projects' test suites through the Dockerfile room and prints what differs.
 * `node test/vectors/dockerfile.ts DIR`, or the folder in `SLIPWAY_VECTORS`; without one there is nothing to do.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { FILES, TABLE_FILES, TABLES } from './dockerfile-plays.ts'
import type { Play, Row } from './dockerfile-rows.ts'

/** Values as text, keys sorted; names that were asked for are a set. */
function print(value: unknown): string {
  return (
    JSON.stringify(value, (key, inner) => {
      if (key === 'unmatched') return [...inner].sort()
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? 'nothing'
  )
}

function readRows(file: string): { suite: Row; rows: Row[] } {
  const text = readFileSync(file, 'utf8')
  if (file.endsWith('.jsonl'))
    return {
      suite: {} as Row,
      rows: text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    }
  const suite = JSON.parse(text)
  return { suite, rows: suite.cases }
}

/** Counts of one file or table, with the first rows that differ. */
function playAll(name: string, rows: readonly Row[], play: Play, suite: Row): number {
  let agree = 0
  let skipped = 0
  const differences: string[] = []
  for (const row of rows) {
    const result = play(row, suite)
    if (!result) skipped++
    else if (print(result.want) === print(result.got)) agree++
    else differences.push(`  row  ${print(row)}\n  want ${print(result.want)}\n  got  ${print(result.got)}`)
  }
  const counts = `${agree} agree, ${differences.length} differ${skipped ? `, ${skipped} do not apply` : ''}`
  console.log(`${name}: ${counts}`)
  for (const difference of differences.slice(0, 3)) console.log(difference.replace(/^(.{1500}).*$/gm, '$1...'))
  return differences.length
}

function playFolder(folder: string): number {
  let differences = 0
  for (const [name, play] of Object.entries(FILES)) {
    const file = path.join(folder, name)
    if (!existsSync(file)) continue
    const { suite, rows } = readRows(file)
    differences += playAll(name, rows, play, suite)
  }
  for (const name of TABLE_FILES) {
    const file = path.join(folder, name)
    if (!existsSync(file)) continue
    for (const table of JSON.parse(readFileSync(file, 'utf8')).tables) {
      const key = `${table.func} ${table.var}`
      const rows = table.rows.map(({ row }: { row: Row | string }) => (typeof row === 'string' ? { plain: row } : row))
      if (TABLES[key]) differences += playAll(`${name} ${key}`, rows, TABLES[key], table)
    }
  }
  return differences
}

const folder = process.argv[2] ?? process.env['SLIPWAY_VECTORS']
if (folder === undefined || !existsSync(folder)) {
  console.log('no folder of rows is given (an argument, or SLIPWAY_VECTORS): nothing to play')
} else {
  process.exitCode = playFolder(folder) === 0 ? 0 : 1
}
