import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fail, type Job } from '../core/index.ts'
import { runProgram } from '../host/index.ts'

/** An OCI runtime command line (crun or runc) and the folder where it keeps its state. */
export interface Runtime {
  /** Absolute path of the program. */
  program: string
  stateFolder: string
  /** Control group above those of the containers. */
  cgroup: string
  /** The containers' seccomp filter, compiled (base64), when the runtime takes such a one. */
  seccompFilter?: string
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
  container: { id: string; bundle: string },
  output: OutputListener,
  job: Job,
): Promise<number> {
  const log = path.join(container.bundle, 'runtime.log')
  const args = [...globalArgs(runtime), '--log', log, '--log-format', 'json', 'run', '--bundle', container.bundle]
  const child = spawn(runtime.program, [...args, container.id], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', output.stdout)
  child.stderr.on('data', output.stderr)
  const stop = (): void => void deleteContainer(runtime, container.id, job)
  job.signal?.addEventListener('abort', stop, { once: true })
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve(code ?? 137))
    })
    if (job.signal?.aborted) throw fail('CANCELED', 'canceled')
    const problem = exitCode === 0 ? undefined : lastRuntimeError(log)
    if (problem) throw startFailure(problem)
    return exitCode
  } finally {
    job.signal?.removeEventListener('abort', stop)
    rmSync(log, { force: true })
  }
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
 * An error for a process that could not be started, with the exit code that `docker run` gives for it: 127 when the
 * program is not there, 126 when it is there but cannot be executed, else 125.
 */
export function startFailure(problem: string): Error {
  const exitCode = /executable file .*not found|no such file or directory/i.test(problem)
    ? 127
    : /permission denied|is a directory|exec format error|operation not permitted/i.test(problem)
      ? 126
      : 125
  return fail('RUNTIME_FAILED', problem, { data: { exitCode } })
}

function lastRuntimeError(log: string): string | undefined {
  try {
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    const errors = lines
      .map((line) => JSON.parse(line) as { level?: string; msg?: string })
      .filter((entry) => entry.level === 'error' && entry.msg)
    return errors.at(-1)?.msg
  } catch {
    return undefined
  }
}
