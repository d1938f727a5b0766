import { copyFileSync, existsSync, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  type Attachment,
  attach,
  type ContainerMount,
  deleteContainer,
  hostsFile,
  killContainer,
  type LogEntry,
  type Machine,
  openMachine,
  type Runtime,
  readLog,
  resolvConfFile,
  startContainer,
} from '../container/index.ts'
import { fail, type Job } from '../core/index.ts'
import { identifyProcess, parseSignal } from '../host/index.ts'
import type { Store } from '../store/index.ts'
import { type Container, containerPaths, containerState, findContainer, type StoredRecord } from './container-record.ts'

/** How to start a container. */
export interface StartOptions {
  /** Called when the container exists but does not run yet: who attaches now misses nothing. At once, when it runs. */
  onCreated?: (attachment: Attachment) => void
  /** A command that the monitor runs when the container has ended. */
  onExit?: readonly string[]
}

/** Starts a container that does not run. Fails with `RUNTIME_FAILED` (`data.exitCode` is what `docker run` answers). */
export async function start(store: Store, container: Container, options: StartOptions, job: Job): Promise<void> {
  if (containerState(store, container).status === 'running') {
    options.onCreated?.(attach(containerPaths(store, container.id).bundle))
    return
  }
  await using machine = await openMachine(store, { processes: false }, job)
  const runtime = machine.runtime()
  await clearTraces(store, container, runtime, job)
  const pid = await createProcess(store, container, { machine, runtime, onExit: options.onExit ?? [] }, job)
  const identity = identifyProcess(pid)
  if (identity) store.containers.update(container.id, { ...container.record, started: { ...identity, at: Date.now() } })
  options.onCreated?.(attach(containerPaths(store, container.id).bundle))
  await startContainer(runtime, container.id, job)
}

/** What an earlier run has left. */
async function clearTraces(store: Store, container: Container, runtime: Runtime, job: Job): Promise<void> {
  const { exitFile, bundle, folder } = containerPaths(store, container.id)
  if (container.record.started) await deleteContainer(runtime, container.id, job)
  rmSync(exitFile, { force: true })
  rmSync(bundle, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}

async function createProcess(
  store: Store,
  container: Container,
  options: { machine: Machine; runtime: Runtime; onExit: readonly string[] },
  job: Job,
): Promise<number> {
  const { machine, runtime, onExit } = options
  const { id, record } = container
  const paths = containerPaths(store, id)
  const stack = record.diffIds.map((diffId) => ({ diffId }))
  const mounts = await machine.snapshotter.prepare(id, stack, path.join(paths.bundle, 'layers'), job)
  const process = {
    args: [...record.entrypoint, ...record.command],
    env: record.env,
    cwd: record.cwd,
    hostname: record.hostname,
    terminal: record.terminal,
    network: record.network,
    mounts: [...machineFiles(record, paths.folder), ...record.mounts],
    readonlyRootfs: record.readonlyRootfs,
    ...(record.shmSize === null ? {} : { shmSize: record.shmSize }),
  }
  const { bundle, exits, log } = paths
  const request = { id, runtime, mounts, user: record.user, process, openStdin: record.openStdin, onExit }
  const { pid } = await machine.keeper.call('create', { ...request, paths: { bundle, exits, log } }, job)
  return pid
}

/** The container's own /etc/hosts, /etc/resolv.conf and /etc/hostname: files beside it, mounted over the image's. */
function machineFiles(record: StoredRecord, folder: string): ContainerMount[] {
  const file = (target: string, write: (file: string) => void): ContainerMount => {
    const source = path.join(folder, path.basename(target))
    write(source)
    return { type: 'bind', source, target }
  }
  const text = (content: string) => (target: string) => writeFileSync(target, content, { mode: 0o644 })
  const shareHosts = record.network === 'host' && record.extraHosts.length === 0 && existsSync('/etc/hosts')
  return [
    file(
      '/etc/hosts',
      shareHosts ? (to) => copyFileSync('/etc/hosts', to) : text(hostsFile(record.hostname, record.extraHosts)),
    ),
    file('/etc/resolv.conf', text(resolvConfFile(record.network))),
    file('/etc/hostname', text(`${record.hostname}\n`)),
  ]
}

/** Resolves with the exit code once a container has ended; with 0 at once when it was never started. The job's cancellation ends the waiting, not the container. */
export async function waitForExit(store: Store, container: Container, job: Job): Promise<number> {
  for (;;) {
    const state = containerState(store, findContainer(store, container.id))
    if (state.status !== 'running') return state.exitCode ?? 0
    await somethingChanged(containerPaths(store, container.id).exits, job)
  }
}

function somethingChanged(folder: string, job: Job): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return new Promise((resolve, reject) => {
    const watcher = watch(folder)
    const end = (): void => {
      clearTimeout(timer)
      watcher.close()
      job.signal?.removeEventListener('abort', end)
      if (job.signal?.aborted) reject(fail('CANCELED', 'canceled'))
      else resolve()
    }
    // a monitor that was killed writes nothing: look again now and then
    const timer = setTimeout(end, 200)
    watcher.once('change', end)
    job.signal?.addEventListener('abort', end, { once: true })
    if (job.signal?.aborted) end()
  })
}

/** Output of a container so far, and with `follow` what comes, until it has ended. */
export async function* logsOf(
  store: Store,
  container: Container,
  options: { follow?: boolean },
  job: Job,
): AsyncIterable<LogEntry> {
  const { log } = containerPaths(store, container.id)
  if (!existsSync(log)) return // never started
  const ended = (): boolean => {
    const now = store.containers.find<StoredRecord>(container.id)
    return !now || containerState(store, now).status !== 'running'
  }
  yield* readLog(log, options.follow ? { follow: { ended } } : {}, job)
}

/** Sends a signal, by name or number. Fails with `CONTAINER_INVALID` when the container does not run. */
export async function kill(store: Store, container: Container, signal: string, job: Job): Promise<void> {
  const number = signalOf(container, signal)
  if (containerState(store, container).status !== 'running') {
    throw fail(
      'CONTAINER_INVALID',
      `cannot kill container: ${container.name}: container ${container.id} is not running`,
    )
  }
  await killContainer(await runtimeOf(store, job), container.id, number, job)
}

/** The same, but a container that has ended meanwhile is as good as one that took the signal. */
async function send(store: Store, container: Container, signal: string, job: Job): Promise<void> {
  await killContainer(await runtimeOf(store, job), container.id, signalOf(container, signal), job)
}

function signalOf(container: Container, signal: string): number {
  const number = parseSignal(signal)
  if (number !== undefined) return number
  throw fail('CONTAINER_INVALID', `cannot kill container: ${container.name}: invalid signal: ${signal}`)
}

/** Asks a container to end by its stop signal, and kills it after `seconds` (-1: never). */
export async function stop(
  store: Store,
  container: Container,
  options: { seconds: number; signal?: string },
  job: Job,
): Promise<void> {
  if (containerState(store, container).status !== 'running') return
  await send(store, container, options.signal ?? container.record.stopSignal, job)
  const patience = new AbortController()
  const timer = options.seconds < 0 ? undefined : setTimeout(() => patience.abort(), options.seconds * 1000)
  const signal = job.signal ? AbortSignal.any([job.signal, patience.signal]) : patience.signal
  try {
    await waitForExit(store, container, { ...job, signal })
  } catch (error) {
    if (!patience.signal.aborted || job.signal?.aborted) throw error
    await send(store, container, 'SIGKILL', job)
    await waitForExit(store, container, job)
  } finally {
    clearTimeout(timer)
  }
}

/** Removes a container and everything it wrote. Fails with `CONTAINER_RUNNING` unless `force` kills it first. */
export async function removeContainer(
  store: Store,
  container: Container,
  options: { force?: boolean },
  job: Job,
): Promise<void> {
  if (containerState(store, container).status === 'running') {
    if (!options.force) {
      throw fail(
        'CONTAINER_RUNNING',
        `cannot remove container "${container.name}": container is running: stop the container before removing or force remove`,
      )
    }
    await send(store, container, 'SIGKILL', job)
    await waitForExit(store, container, job)
  }
  if (container.record.started) await deleteContainer(await runtimeOf(store, job), container.id, job)
  const paths = containerPaths(store, container.id)
  store.containers.remove(container.id)
  store.snapshotter('directory').remove(container.id)
  for (const folder of [paths.bundle, paths.folder]) rmSync(folder, { recursive: true, force: true })
}

async function runtimeOf(store: Store, job: Job): Promise<Runtime> {
  await using machine = await openMachine(store, { processes: false }, job)
  return machine.runtime()
}
