import type * as childProcess from 'node:child_process'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type * as fs from 'node:fs'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach } from 'vitest'
import type * as host from './index.ts'
import { makeMountsPropagateInward } from './mount.ts'
import type * as syscalls from './syscalls.ts'
import { call } from './syscalls.ts'

/** Whether this process may mount, make devices and enter namespaces. */
export const isRoot: boolean = process.getuid?.() === 0

const folders: string[] = []
const children: Child[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await child.ended
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder of the test's own. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-host-'))
  folders.push(folder)
  return folder
}

/** What a function that runs in another process has: it cannot use anything else of its surroundings. */
export interface ChildTools {
  host: typeof host
  syscalls: typeof syscalls
  fs: typeof fs
  childProcess: typeof childProcess
  /** Loads a module of this program by its path below `src`. */
  load<T>(file: string): Promise<T>
  /** Sends a value to the test, which gets it by `next`. */
  tell(value: unknown): void
  /** Waits for ever. */
  linger(): Promise<never>
  /** What the test sends by `say`, line by line. */
  hear(): Promise<string>
}

/** A function to run in another process. */
export type ChildWork<A, R> = (tools: ChildTools, args: A) => R | Promise<R>

/** How the other process is started: programs that stand before Node (`unshare --mount`). */
export interface ChildOptions {
  wrapper?: readonly string[]
  detached?: boolean
}

/** A process that runs a function; it is killed at the end of the test. */
export class Child {
  readonly process: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #told: AsyncIterator<string>
  #errors = ''

  constructor(source: string, args: unknown, { wrapper = [], detached = false }: ChildOptions) {
    const program = `
      import { createInterface } from 'node:readline'
      import * as fs from 'node:fs'
      import * as childProcess from 'node:child_process'
      const host = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
      const syscalls = await import(${JSON.stringify(new URL('./syscalls.ts', import.meta.url).href)})
      const load = (file) => import(new URL(file, ${JSON.stringify(new URL('../', import.meta.url).href)}).href)
      const tell = (value) => fs.writeSync(1, JSON.stringify(value ?? null) + '\\n')
      const linger = () => new Promise(() => setInterval(() => {}, 1 << 30))
      let lines
      const hear = async () => {
        lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]()
        return (await lines.next()).value
      }
      const work = ${source}
      tell({ result: await work({ host, syscalls, fs, childProcess, load, tell, linger, hear }, ${JSON.stringify(args)}) ?? null })
      process.exit(0)`
    const command = [...wrapper, process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module']
    this.process = spawn(command[0]!, [...command.slice(1), '--eval', program], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached,
    })
    this.process.stderr!.on('data', (chunk) => {
      this.#errors += String(chunk)
    })
    this.#told = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
    this.ended = once(this.process, 'close').then(([code, signal]) => ({ code, signal }))
  }

  /** What it has written to stderr. */
  get errors(): string {
    return this.#errors
  }

  get pid(): number {
    return this.process.pid!
  }

  /** The next value that the process tells. Fails with what it wrote to stderr when it ended before. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#told.next()
    if (!done) return JSON.parse(value) as T
    const { code, signal } = await this.ended
    throw new Error(`the process ended with ${signal ?? code}: ${this.#errors}`)
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`)
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal)
  }
}

/**
 * Starts a function in a process of its own. It is sent as text: it may only use its two parameters and globals, and
 * no syntax that is compiled to something else (`using`, `import`).
 */
export function startChild<A, R>(work: ChildWork<A, R>, args: A, options: ChildOptions = {}): Child {
  const child = new Child(work.toString(), args, options)
  children.push(child)
  return child
}

/** The result of a function that runs in a process of its own. */
export async function inChild<A, R>(work: ChildWork<A, R>, args: A, options: ChildOptions = {}): Promise<R> {
  const child = startChild(work, args, options)
  const { result } = await child.next<{ result: R }>()
  return result
}

/** Puts a process into a mount namespace of its own, without any propagation. */
export const PRIVATE_MOUNTS: readonly string[] = ['unshare', '--mount', '--propagation', 'private']

/**
 * For a file of tests that mounts: its process leaves for a mount namespace of its own, so that nothing stays mounted
 * whatever happens. Only synchronous calls and started programs see its mounts: the threads of the pool stay behind.
 */
export function leaveForPrivateMounts(): void {
  const CLONE_NEWNS = 0x20000
  call('int unshare(int flags)', [CLONE_NEWNS])
  makeMountsPropagateInward()
}

/** Whether a process exists and is more than a zombie. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}

/** Waits until a condition holds; fails when it does not for twenty seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`still not so: ${what}`)
    await sleep(10)
  }
}

/** Pids of all processes whose command line contains a text. */
export function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isRunning(pid) && commandLine(pid).includes(marker))
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
