import { writeFileSync } from 'node:fs'
import type { StepCase } from './document.ts'
import type { Verdict } from './play.ts'

/** A case and what became of it. */
export interface Row extends Verdict {
  name: string
  source: string
  class: string
  /** From the file of trusted cases, if there is one. */
  trust: string | undefined
  seconds: number
}

/** Counts of one group of cases. */
type Counts = Record<Verdict['result'], number>

export function rowOf(each: StepCase, verdict: Verdict, trust: string | undefined, seconds: number): Row {
  return { name: each.name, source: each.source, class: each.class, trust, seconds, ...verdict }
}

/** One line, and the reason below it. */
export function printRow({ result, name, source, trust, reason, seconds }: Row): void {
  console.log(
    `${result.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s  ${source} ${name}${trust ? ` (${trust})` : ''}`,
  )
  if (reason !== undefined) console.log(`             ${reason.replaceAll('\n', '\n             ')}`)
}

/** A table of counts: file, class, how far the case is trusted. */
export function printTable(rows: readonly Row[]): void {
  const groups = Map.groupBy(rows, (row) => `${row.source} | ${row.class} | ${row.trust ?? '-'}`)
  console.log('\nfile | class | trust | cases | pass | fail | unplayable')
  for (const [group, members] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
    const { pass, fail, unplayable } = count(members)
    console.log(`${group} | ${members.length} | ${pass} | ${fail} | ${unplayable}`)
  }
  const { pass, fail, unplayable } = count(rows)
  console.log(`all | | | ${rows.length} | ${pass} | ${fail} | ${unplayable}`)
}

function count(rows: readonly Row[]): Counts {
  const counts: Counts = { pass: 0, fail: 0, unplayable: 0 }
  for (const { result } of rows) counts[result]++
  return counts
}

/** Writes the rows; what passed on the reference can be given as the file of trusted cases. */
export function writeRows(file: string, tool: string, rows: readonly Row[]): void {
  const trustOf = ({ result, trust }: Row): string => trust ?? (result === 'pass' ? 'confirmed' : 'unconfirmed')
  const cases = rows.map((row) => ({ ...row, trust: trustOf(row) }))
  writeFileSync(file, `${JSON.stringify({ tool, cases }, undefined, 1)}\n`)
}
