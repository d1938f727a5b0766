import { createRequire } from 'node:module'
import type { KoffiFunc } from 'koffi'

const require = createRequire(import.meta.url)
const PR_SET_CHILD_SUBREAPER = 36
const RUSAGE_CHILDREN = -1
const WNOHANG = 1
const RUSAGE_BYTES = 144

interface Libc {
  prctl: KoffiFunc<(option: number, a: number, b: number, c: number, d: number) => number>
  getrusage: KoffiFunc<(who: number, usage: Buffer) => number>
  waitpid: KoffiFunc<(pid: number, status: null, options: number) => number>
}

let loaded: Libc | undefined

function libc(): Libc {
  if (loaded) return loaded
  const library = (require('koffi') as typeof import('koffi')).load(null)
  loaded = {
    prctl: library.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)'),
    getrusage: library.func('int getrusage(int who, uint8_t *usage)'),
    waitpid: library.func('int waitpid(int pid, void *status, int options)'),
  }
  return loaded
}

/** From now on processes whose parents ended become children of this one, so that their time can be counted. */
export function adoptOrphans(): void {
  libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

/** CPU seconds of all processes below this one that have ended and were waited for. */
export function childrenCpu(): number {
  const usage = Buffer.alloc(RUSAGE_BYTES)
  libc().getrusage(RUSAGE_CHILDREN, usage)
  const seconds = (at: number): number => Number(usage.readBigInt64LE(at)) + Number(usage.readBigInt64LE(at + 8)) / 1e6
  return seconds(0) + seconds(16)
}

/** Waits for an orphan that has ended; Node only waits for what it started itself. */
export function reap(pid: number): void {
  libc().waitpid(pid, null, WNOHANG)
}
