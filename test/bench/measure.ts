import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listProcesses, memoryOf, treeOf } from './processes.ts'
import { adoptOrphans, childrenCpu, reap } from './rusage.ts'

/** A program to run. */
export interface CommandLine {
  argv: readonly string[]
  env?: Readonly<Record<string, string>>
}

/** What a run took. */
export interface Cost {
  /** Seconds from start to end of the command. */
  wall: number
  /** CPU seconds of the command, everything it started, and the daemons that worked for it. */
  cpu: number
  /** The most memory at one time, in bytes, daemons included; 0 when it was not watched. */
  memory: number
}

// what outlives its command (a monitor, a shim) is waited for so long, so that its time counts
const PATIENCE = 10_000
const MEMORY_INTERVAL = 10

/** Runs a command to its end and measures it. `daemons` are the processes that work for it. Throws when it fails. */
export async function measure(
  command: CommandLine,
  options: { daemons: readonly number[]; watchMemory?: boolean },
): Promise<Cost> {
  adoptOrphans()
  const before = new Set(ownChildren())
  const start = { cpu: childrenCpu(), daemons: daemonCpu(options.daemons), time: performance.now() }
  const running = launch(command)
  const peak = options.watchMemory ? watchMemory([running.pid, ...options.daemons], before) : undefined
  await running.ended
  const wall = (performance.now() - start.time) / 1000
  const memory = (await peak?.stop()) ?? 0
  await reapOrphans(before)
  const cpu = childrenCpu() - start.cpu + daemonCpu(options.daemons) - start.daemons
  return { wall, cpu, memory }
}

/** Runs a command that is not measured. Throws when it fails. */
export async function runQuietly(command: CommandLine): Promise<void> {
  await launch(command).ended
}

function launch({ argv, env }: CommandLine): { pid: number; ended: Promise<void> } {
  const said = path.join(tmpdir(), `slipway-bench-${process.pid}.out`)
  const fd = openSync(said, 'w')
  const [program, ...args] = argv
  const child = spawn(program!, args, { stdio: ['ignore', fd, fd], env: { ...process.env, ...env } })
  closeSync(fd)
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      const tail = code === 0 ? '' : readFileSync(said, 'utf8').slice(-2000)
      rmSync(said, { force: true })
      if (code === 0) resolve()
      else reject(new Error(`${argv.join(' ')} ended with ${signal ?? code}:\n${tail}`))
    })
  })
  return { pid: child.pid ?? -1, ended }
}

function daemonCpu(daemons: readonly number[]): number {
  return treeOf(daemons).reduce((sum, each) => sum + each.cpu, 0)
}

const ownChildren = (): number[] => listProcesses().flatMap(({ pid, parent }) => (parent === process.pid ? pid : []))

async function reapOrphans(known: ReadonlySet<number>): Promise<void> {
  const deadline = performance.now() + PATIENCE
  for (;;) {
    const orphans = listProcesses().filter(({ pid, parent }) => parent === process.pid && !known.has(pid))
    for (const { pid, state } of orphans) if (state === 'Z') reap(pid)
    if (orphans.every(({ state }) => state === 'Z') || performance.now() > deadline) return
    await sleep(5)
  }
}

/** Looks at the memory of the processes, and of orphans that are new, again and again. */
function watchMemory(roots: readonly number[], known: ReadonlySet<number>): { stop(): Promise<number> } {
  let peak = 0
  let watching = true
  const look = (): void => {
    const all = listProcesses()
    const orphans = all.filter(({ pid, parent }) => parent === process.pid && !known.has(pid)).map(({ pid }) => pid)
    const pids = new Set(treeOf([...roots, ...orphans], all).map(({ pid }) => pid))
    peak = Math.max(peak, memoryOf([...pids]))
  }
  const loop = async (): Promise<void> => {
    for (; watching; await sleep(MEMORY_INTERVAL)) look()
  }
  const ended = loop()
  return {
    async stop() {
      watching = false
      await ended
      return peak
    },
  }
}
