/** Starts the real command line as a user does, within limits, and says what became of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Where and how a command runs. */
export interface CommandOptions {
  /** The store. */
  root: string
  cwd?: string
  env?: Record<string, string>
  /** A program with its arguments that starts the command and becomes its process: `strace`. */
  wrapper?: readonly string[]
  /** What it reads; nothing when missing. */
  stdin?: Buffer
  /** After so many seconds everything that it started is killed. */
  limitSeconds?: number
}

/** How a command ended. */
export interface CommandResult {
  /** 128 + n when signal n ended it. */
  exitCode: number
  stdout: Buffer
  stderr: string
  seconds: number
  /** It had to be killed because it took too long. */
  timedOut: boolean
  /** Bytes: the most that any one of its Node processes had in memory. */
  peakMemory: number
}

/** A command that runs. */
export interface RunningCommand {
  readonly child: ChildProcess
  readonly ended: Promise<CommandResult>
}

const NO_WARNING = '--disable-warning=ExperimentalWarning'
const PROGRAM = path.resolve(import.meta.dirname, '../src/cli/bin.ts')
const MEMORY_REPORT = path.resolve(import.meta.dirname, 'report-memory.ts')
// without it, taking the types out of the sources costs a second a process
const COMPILE_CACHE = path.join(os.tmpdir(), `slipway-test-cache-${process.getuid?.() ?? 0}`)

let counter = 0

/** Starts `slipway ARGS`; it leads a process group of its own. */
export function startCommand(args: readonly string[], options: CommandOptions): RunningCommand {
  const report = path.join(os.tmpdir(), `slipway-memory-${process.pid}-${counter++}`)
  const [program, ...rest] = [...(options.wrapper ?? []), process.execPath, NO_WARNING, PROGRAM, ...args]
  const child = spawn(program!, rest, {
    cwd: options.cwd ?? os.tmpdir(),
    detached: true,
    stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      NODE_OPTIONS: `--import=${MEMORY_REPORT}`,
      SLIPWAY_TEST_MEMORY: report,
      SLIPWAY_ROOT: options.root,
      ...options.env,
    },
  })
  // a command that ends before it has read everything is no failure of ours
  child.stdin?.on('error', () => {}).end(options.stdin)
  return { child, ended: watch(child, report, options.limitSeconds ?? 60) }
}

/** Runs `slipway ARGS` to its end. */
export function runCommand(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return startCommand(args, options).ended
}

async function watch(child: ChildProcess, report: string, limitSeconds: number): Promise<CommandResult> {
  const begun = performance.now()
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr!.on('data', (chunk: Buffer) => stderr.push(chunk))
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    killGroup(child)
  }, limitSeconds * 1000)
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? 128 + os.constants.signals[signal!]))
  })
  clearTimeout(timer)
  return {
    exitCode,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
    seconds: (performance.now() - begun) / 1000,
    timedOut,
    peakMemory: takeReport(report),
  }
}

/** Kills a command and all processes of its group. */
export function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}

function takeReport(file: string): number {
  try {
    const peaks = readFileSync(file, 'utf8').trim().split('\n').map(Number)
    return Math.max(0, ...peaks)
  } catch {
    return 0
  } finally {
    rmSync(file, { force: true })
  }
}
