import { readdirSync, readFileSync } from 'node:fs'

/** What /proc says of a process. */
interface ProcessStat {
  pid: number
  parent: number
  state: string
  /** Seconds, with those of the children it has waited for. */
  cpu: number
}

const TICKS_PER_SECOND = 100

/** All processes of the machine. */
export function listProcesses(): ProcessStat[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readStat(Number(name)) ?? []) : []))
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // the name, in parentheses, may hold anything
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(fields[1]), state: fields[0]!, cpu: ticks / TICKS_PER_SECOND }
}

/** These processes and all below them. */
export function treeOf(roots: readonly number[], all: readonly ProcessStat[] = listProcesses()): ProcessStat[] {
  const children = Map.groupBy(all, (each) => each.parent)
  const found = all.filter((each) => roots.includes(each.pid))
  for (const each of found) found.push(...(children.get(each.pid) ?? []))
  return found
}

/** Bytes of memory that processes take; pages that several of them share are counted once. */
export function memoryOf(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => /^Pss: +(\d+)/m.exec(readText(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0)
  return kilobytes.reduce<number>((sum, each) => sum + Number(each) * 1024, 0)
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined // it has ended
  }
}
