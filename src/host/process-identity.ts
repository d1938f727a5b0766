import { readFileSync } from 'node:fs'

/** What tells a process from every other there ever was on this machine. */
export interface ProcessIdentity {
  pid: number
  /** Field 22 of /proc/PID/stat, clock ticks since boot: a recycled pid does not share it. */
  startTime: string
  bootId: string
}

/** The identity of a process that is there; `undefined` when there is none, or only its zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() }
}

/** Whether the process is still there. Only meaningful in the pid namespace that it was identified in. */
export function isAlive(process: ProcessIdentity): boolean {
  return process.bootId === bootId() && startTimeOf(process.pid) === process.startTime
}

let boot: string | undefined

/** What the kernel calls this boot of the machine. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return boot
}

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // the second field is the program's name in parentheses and may hold anything; a zombie (Z) holds nothing any more
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
