import { type SpawnOptions, spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'
import { fail, type Job } from '../core/index.ts'
import { signalNumber } from './signals.ts'

/** Programs that Slipway starts, with the Debian package that holds each: for the hint when one is missing. */
const PACKAGES: Record<string, string> = {
  bzip2: 'bzip2',
  busybox: 'busybox-static',
  conmon: 'conmon',
  crun: 'crun',
  git: 'git',
  mmdebstrap: 'mmdebstrap',
  runc: 'runc',
  unshare: 'util-linux',
  xz: 'xz-utils',
}

/** Directories that a root shell searches but an ordinary user's PATH often lacks. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** The absolute path of a program, or `undefined`. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(':'), ...SYSTEM_DIRECTORIES]
  return directories
    .filter((directory) => path.isAbsolute(directory))
    .map((directory) => path.join(directory, name))
    .find(isExecutable)
}

/** The absolute path of a program; fails with `PROGRAM_MISSING` and the package that holds it. */
export function requireProgram(name: string): string {
  const found = findProgram(name)
  if (found) return found
  const hint = PACKAGES[name] ? `install it with: apt-get install ${PACKAGES[name]}` : undefined
  throw fail('PROGRAM_MISSING', `${name} is not installed on this machine`, hint ? { hint } : {})
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** How a program is started and watched. */
export interface ProgramOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  stdin?: Uint8Array
  /** Called with each piece of standard error as it comes; it is collected all the same. */
  onStderr?: (chunk: Buffer) => void
  onStdout?: (chunk: Buffer) => void
}

/** What a program left: its whole output (at most 16 MiB of each stream) and how it ended. */
export interface ProgramResult {
  stdout: Buffer
  stderr: Buffer
  /** 128 + n when signal n ended it. */
  exitCode: number
}

/** Runs a program to its end. The job's cancellation kills it. A non-zero exit is a result, not an error. */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions,
  job: Job,
): Promise<ProgramResult> {
  const { cwd, env, stdin, onStderr, onStdout } = options
  const spawnOptions: SpawnOptions = { stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] }
  if (cwd) spawnOptions.cwd = cwd
  if (env) spawnOptions.env = env
  if (job.signal) Object.assign(spawnOptions, { signal: job.signal, killSignal: 'SIGKILL' })
  const child = spawn(name.includes('/') ? name : requireProgram(name), args, spawnOptions)
  const stdout = collect(child.stdout!, onStdout)
  const stderr = collect(child.stderr!, onStderr)
  child.stdin?.on('error', () => {}) // it may end without reading all of its input
  child.stdin?.end(stdin)
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      reject(job.signal?.aborted ? fail('CANCELED', 'canceled', { cause: error }) : error)
    })
    child.once('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal)))
  })
  return { stdout: stdout(), stderr: stderr(), exitCode }
}

/** Runs a program that is expected to succeed; fails with `PROGRAM_FAILED` and the end of what it said. */
export async function expectProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions,
  job: Job,
): Promise<Buffer> {
  const { stdout, stderr, exitCode } = await runProgram(name, args, options, job)
  if (exitCode === 0) return stdout
  const said = stderr.toString().trim().split('\n').slice(-5).join('\n')
  throw fail('PROGRAM_FAILED', `${path.basename(name)} ended with exit code ${exitCode}${said ? `: ${said}` : ''}`)
}

const COLLECT_LIMIT = 16 << 20

function collect(stream: NodeJS.ReadableStream, listener?: (chunk: Buffer) => void): () => Buffer {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    listener?.(chunk)
    size += chunk.length
    if (size <= COLLECT_LIMIT) chunks.push(chunk)
  })
  return () => Buffer.concat(chunks)
}
