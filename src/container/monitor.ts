import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type Mount, requireProgram } from '../host/index.ts'
import { type BundleRequest, writeBundle } from './bundle.ts'
import { globalArgs, startFailure } from './runtime.ts'
import { MountedStacks } from './stack.ts'

/** A container to start under a monitor, which outlives this process. */
export interface StartRequest extends BundleRequest {
  /** The file system; the one without a target becomes the root. */
  mounts: readonly Mount[]
  paths: MonitorPaths
  /** Keep standard input open for somebody who attaches. */
  openStdin: boolean
  /** A command that the monitor runs when the container has ended. */
  onExit: readonly string[]
}

/** Where a running container leaves its traces. */
export interface MonitorPaths {
  /** Bundle, pid files and the attach socket; its path must stay below 90 bytes. */
  bundle: string
  /** Folder for exit codes, as files named by container id. */
  exits: string
  log: string
}

/**
 * Mounts a container's file system and creates the container under conmon, which keeps its output and exit code; it
 * runs once `startContainer` is called, so that somebody can attach before. Fails with `RUNTIME_FAILED`. Must run in a
 * private mount namespace, which lives on with the monitor.
 */
export async function createMonitored(request: StartRequest): Promise<{ pid: number }> {
  const { bundle, exits } = request.paths
  const rootfs = path.join(bundle, 'rootfs')
  mkdirSync(exits, { recursive: true, mode: 0o700 })
  const stack = new MountedStacks().mount(request.mounts, rootfs)
  try {
    writeBundle(bundle, rootfs, request)
    return { pid: await spawnMonitor(request) }
  } catch (error) {
    stack[Symbol.dispose]()
    throw error
  }
}

/**
 * Whether a container's monitor is still at work. It writes the exit code when the container has ended, a moment after
 * the process itself has gone.
 */
export function isMonitored(bundle: string, id: string): boolean {
  try {
    const pid = readFileSync(monitorPidFile(bundle), 'utf8').trim()
    // another process may have got the pid meanwhile
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(id)
  } catch {
    return false
  }
}

const monitorPidFile = (bundle: string): string => path.join(bundle, 'monitor.pid')

/** Starts conmon and waits until it has created the container; returns the pid of the container's first process. */
async function spawnMonitor(request: StartRequest): Promise<number> {
  const SYNC_FD = 3
  const child = spawn(requireProgram('conmon'), monitorArgs(request), {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, _OCI_SYNCPIPE: String(SYNC_FD) },
    detached: true,
  })
  const sync = child.stdio[SYNC_FD] as Readable & Writable
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const answer = await Promise.race([readLine(sync), failed])
  sync.destroy()
  // conmon's API version 1 calls the pid "data"
  const { data: pid = -1, message } = JSON.parse(answer || '{}') as { data?: number; message?: string }
  if (pid <= 0) throw startFailure(tidy(message), request.process.args[0]!)
  return pid
}

function monitorArgs(request: StartRequest): string[] {
  const { id, runtime, paths } = request
  const flags: string[] = []
  if (request.process.terminal) flags.push('--terminal')
  if (request.openStdin) flags.push('--stdin')
  const [exitCommand, ...exitArgs] = request.onExit
  const onExit = exitCommand
    ? ['--exit-command', exitCommand, ...exitArgs.flatMap((arg) => ['--exit-command-arg', arg])]
    : []
  return [
    ...['--api-version', '1', '--cid', id, '--cuuid', id, '--name', id, '--runtime', runtime.program],
    ...globalArgs(runtime).flatMap((arg) => ['--runtime-arg', arg]),
    ...['--bundle', paths.bundle, '--full-attach', '--socket-dir-path', paths.bundle],
    ...['--container-pidfile', path.join(paths.bundle, 'pid'), '--conmon-pidfile', monitorPidFile(paths.bundle)],
    ...['--log-path', `k8s-file:${paths.log}`, '--log-level', 'error', '--exit-dir', paths.exits],
    ...onExit,
    ...flags,
  ]
}

async function readLine(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return text.trim()
}

/** The runtime's own sentence, without the wrapping conmon gives it. */
function tidy(message = 'the monitor ended before the container was created'): string {
  return message.replace(/^container create failed \(no logs from conmon\): /, '').trim()
}
