import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fail, type Job } from '../core/index.ts'
import { type EmulatorList, openPipe, runProgram } from '../host/index.ts'

/** An OCI runtime command line (crun or runc) and the folder where it keeps its state. */
export interface Runtime {
  /** Absolute path of the program. */
  program: string
  stateFolder: string
  /** Control group above those of the containers. */
  cgroup: string
  /** The containers' seccomp filter, compiled (base64), when the runtime takes such a one. */
  seccompFilter?: string
  /** What the kernel can emulate, seen from outside: a keeper's /proc does not show it. */
  emulators?: EmulatorList
}

/** What a container's process wrote, as it comes. */
export interface OutputListener {
  stdout(chunk: Buffer): void
  stderr(chunk: Buffer): void
}

/**
 * Runs a bundle to its end, without input, and returns the exit code of its process. Fails with `RUNTIME_FAILED` when
 * the runtime could not start the process; `data.exitCode` is then what Docker answers (126, 127 or 125).
 * The job's cancellation kills the container. Nothing of it is left afterwards.
 */
export async function runBundle(
  runtime: Runtime,
  container: { id: string; bundle: string; program: string },
  output: OutputListener,
  job: Job,
): Promise<number> {
  const log = path.join(container.bundle, 'runtime.log')
  // text, since crun writes to the container's standard error in this format, too
  const args = [...globalArgs(runtime), '--log', log, '--log-format', 'text', 'run', '--bundle', container.bundle]
  const stop = (): void => void deleteContainer(runtime, container.id, job)
  job.signal?.addEventListener('abort', stop, { once: true })
  try {
    const exitCode = await runToEnd(runtime.program, [...args, container.id], output)
    if (job.signal?.aborted) throw fail('CANCELED', 'canceled')
    const problem = exitCode === 0 ? undefined : lastRuntimeError(log)
    if (problem) throw startFailure(problem, container.program)
    return exitCode
  } finally {
    job.signal?.removeEventListener('abort', stop)
    rmSync(log, { force: true })
  }
}

/** Runs a program until it has ended and all its output is told. */
async function runToEnd(program: string, args: readonly string[], listener: OutputListener): Promise<number> {
  const [stdout, stderr] = [openPipe(), openPipe()]
  stdout.output.on('data', listener.stdout)
  stderr.output.on('data', listener.stderr)
  const said = [stdout, stderr].map(({ output }) => once(output, 'close'))
  const child = spawn(program, args, { stdio: ['ignore', stdout.fd, stderr.fd] })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 137))
  })
  for (const pipe of [stdout, stderr]) pipe.given()
  const [exitCode] = await Promise.all([ended, ...said])
  return exitCode
}

/** Starts a container that was created. Fails with `RUNTIME_FAILED`. */
export async function startContainer(runtime: Runtime, id: string, job: Job): Promise<void> {
  const { exitCode, stderr } = await runProgram(runtime.program, [...globalArgs(runtime), 'start', id], {}, job)
  if (exitCode !== 0) throw startFailure(stderr.toString().trim())
}

/** Sends a signal to the container's first process; a container that is gone already is no error. */
export async function killContainer(runtime: Runtime, id: string, signal: number, job: Job): Promise<void> {
  await runProgram(runtime.program, [...globalArgs(runtime), 'kill', id, String(signal)], {}, job)
}

/** Removes what the runtime knows of a container, killing it when it runs. */
export async function deleteContainer(runtime: Runtime, id: string, job: Job): Promise<void> {
  const unstoppable: Job = { progress: job.progress }
  await runProgram(runtime.program, [...globalArgs(runtime), 'delete', '--force', id], {}, unstoppable)
}

/** Arguments that come before the runtime's command. */
export function globalArgs(runtime: Runtime): string[] {
  return ['--root', runtime.stateFolder]
}

/**
 * An error for a `program` that could not be started, with the exit code that `docker run` gives for it: 127 when it is
 * not there, 126 when it is there but cannot be executed, else 125. Runtimes differ in their words; these are runc's,
 * which users of Docker know and search for.
 */
export function startFailure(problem: string, program = ''): Error {
  const reason = worded(
    problem.replace(/^(crun|runc):? |(create|run) failed: |unable to start container process: /g, ''),
    program,
  )
  const exitCode = /executable file not found|no such file or directory/i.test(reason)
    ? 127
    : /permission denied|is a directory|exec format error|operation not permitted/i.test(reason)
      ? 126
      : 125
  return fail('RUNTIME_FAILED', `unable to start container process: ${reason}`, { data: { exitCode } })
}

function worded(problem: string, program: string): string {
  const exec = `exec: ${JSON.stringify(program)}`
  if (/^(executable file `.*` not found in \$PATH|open executable): No such file/.test(problem)) {
    return `${exec}: ${program.includes('/') ? `stat ${program}: no such file or directory` : 'executable file not found in $PATH'}`
  }
  return /^open executable: (Permission denied|Operation not permitted)/.test(problem)
    ? `${exec}: permission denied`
    : problem
}

/** The last error of a runtime's log, whatever the runtime and its version make of the format that was asked for. */
function lastRuntimeError(log: string): string | undefined {
  if (!existsSync(log)) return undefined
  return readFileSync(log, 'utf8').split('\n').map(errorOfLine).findLast(Boolean)
}

/**
 * The message of a line: runc's `time="..." level=error msg="..."`, `{"level":"error","msg":"..."}`, crun's sentence,
 * with the time before it since its version 1.9. Warnings and remarks are no errors.
 */
export function errorOfLine(line: string): string | undefined {
  if (line.startsWith('{')) return errorOfJson(line)
  if (/^time=|^level=/.test(line)) {
    const quoted = /\blevel=(?:error|fatal|panic) msg=("(?:[^"\\]|\\.)*"|\S+)/.exec(line)?.[1]
    return quoted?.replace(/^"|"$/g, '').replace(/\\(["\\])/g, '$1')
  }
  return line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:? /, '') || undefined
}

function errorOfJson(line: string): string | undefined {
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown }
    return level === 'error' && typeof msg === 'string' ? msg : undefined
  } catch {
    return undefined
  }
}
