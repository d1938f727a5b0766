import { copyFileSync, existsSync, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  type Attachment,
  attach,
  type ContainerMount,
  deleteContainer,
  hostsFile,
  killContainer,
  type Machine,
  openMachine,
  type Runtime,
  randomName,
  resolvConfFile,
  startContainer,
} from '../container/index.ts'
import { fail, hasCode, type Job } from '../core/index.ts'
import { identifyProcess, parseSignal } from '../host/index.ts'
import type { ContainerConfig } from '../oci/index.ts'
import type { Store } from '../store/index.ts'
import { type Container, containerPaths, containerState, findContainer, type StoredRecord } from './container-record.ts'
import { findImage } from './images.ts'

/** What to make a container from; everything that is missing comes from the image. */
export interface CreateRequest {
  image: string
  name?: string
  /** Arguments after the image: they take the place of CMD. */
  command?: readonly string[]
  /** Takes the place of ENTRYPOINT, and of CMD too; `[]` resets it. */
  entrypoint?: readonly string[]
  /** `NAME=value`, on top of the image's. */
  env?: readonly string[]
  cwd?: string
  user?: string
  hostname?: string
  terminal?: boolean
  openStdin?: boolean
  network?: 'host' | 'none'
  mounts?: readonly ContainerMount[]
  /** `name=address`. */
  extraHosts?: readonly string[]
  readonlyRootfs?: boolean
  /** Bytes. */
  shmSize?: number
  labels?: Readonly<Record<string, string>>
  autoRemove?: boolean
  stopSignal?: string
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Makes a container, without starting it. Fails with `IMAGE_NOT_FOUND`, `CONTAINER_INVALID`, `CONTAINER_NAME_TAKEN`. */
export function createContainer(store: Store, request: CreateRequest): Container {
  const { image } = findImage(store, request.image)
  const { config } = store.images.config(image)
  if (request.name !== undefined && !NAME.test(request.name)) {
    throw fail(
      'CONTAINER_INVALID',
      `Invalid container name (${request.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    )
  }
  const id = store.containers.newId()
  const { diff_ids: diffIds } = config.rootfs
  const record: StoredRecord = {
    ...processPart(request, config.config ?? {}, id),
    image: request.image,
    imageId: image.id,
    diffIds: [...diffIds],
    network: request.network ?? 'host',
    mounts: [...(request.mounts ?? [])],
    extraHosts: [...(request.extraHosts ?? [])],
    readonlyRootfs: request.readonlyRootfs ?? false,
    shmSize: request.shmSize ?? null,
    labels: { ...config.config?.Labels, ...request.labels },
    autoRemove: request.autoRemove ?? false,
  }
  return addUnderName(store, request.name, { id, imageDigest: image.descriptor.digest, record, createdAt: Date.now() })
}

function addUnderName(store: Store, name: string | undefined, rest: Omit<Container, 'name'>): Container {
  for (let attempt = 0; ; attempt++) {
    const container = { ...rest, name: name ?? randomName(attempt) }
    try {
      store.containers.add(container)
      return container
    } catch (error) {
      if (name !== undefined || attempt > 20 || !hasCode(error, 'CONTAINER_NAME_TAKEN')) throw error
    }
  }
}

type ProcessPart = Pick<
  StoredRecord,
  'entrypoint' | 'command' | 'env' | 'cwd' | 'user' | 'hostname' | 'terminal' | 'openStdin' | 'stopSignal'
>

function processPart(request: CreateRequest, image: ContainerConfig, id: string): ProcessPart {
  const entrypoint = [...(request.entrypoint ?? image.Entrypoint ?? [])]
  const inherited = request.entrypoint ? [] : (image.Cmd ?? [])
  const command = request.command && request.command.length > 0 ? [...request.command] : [...inherited]
  if (entrypoint.length + command.length === 0) throw fail('CONTAINER_INVALID', 'no command specified')
  const hostname = request.hostname ?? id.slice(0, 12)
  return {
    entrypoint,
    command,
    env: mergeEnv(image.Env ?? [], request, hostname),
    cwd: request.cwd ?? (image.WorkingDir || '/'),
    user: request.user ?? image.User ?? '',
    hostname,
    terminal: request.terminal ?? false,
    openStdin: request.openStdin ?? false,
    stopSignal: request.stopSignal ?? image.StopSignal ?? 'SIGTERM',
  }
}

/** As Docker: PATH and HOSTNAME first, TERM with a terminal, then the image's and the request's, later ones winning. */
function mergeEnv(image: readonly string[], request: CreateRequest, hostname: string): string[] {
  const all = [DEFAULT_PATH, `HOSTNAME=${hostname}`, ...(request.terminal ? ['TERM=xterm'] : []), ...image]
  const merged = new Map<string, string>()
  for (const pair of [...all, ...(request.env ?? [])]) {
    const cut = pair.indexOf('=')
    if (cut < 0) merged.delete(pair)
    else merged.set(pair.slice(0, cut), pair)
  }
  return [...merged.values()]
}

/** How to start a container. */
export interface StartOptions {
  /** Called when the container exists but does not run yet: who attaches now misses nothing. */
  onCreated?: (attachment: Attachment) => void
  /** A command that the monitor runs when the container has ended. */
  onExit?: readonly string[]
}

/** Starts a container that does not run. Fails with `RUNTIME_FAILED` (`data.exitCode` is what `docker run` answers). */
export async function start(store: Store, container: Container, options: StartOptions, job: Job): Promise<void> {
  if (containerState(store, container).status === 'running') return
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

/** Resolves with the exit code once a container has ended. The job's cancellation ends the waiting, not the container. */
export async function waitForExit(store: Store, container: Container, job: Job): Promise<number> {
  for (;;) {
    const state = containerState(store, findContainer(store, container.id))
    if (state.status === 'exited') return state.exitCode!
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

/** Sends a signal, by name or number. Fails with `CONTAINER_INVALID` when the container does not run. */
export async function kill(store: Store, container: Container, signal: string, job: Job): Promise<void> {
  const number = parseSignal(signal)
  if (number === undefined) throw fail('CONTAINER_INVALID', `invalid signal: ${signal}`)
  if (containerState(store, container).status !== 'running') {
    throw fail(
      'CONTAINER_INVALID',
      `Cannot kill container: ${container.name}: Container ${container.id} is not running`,
    )
  }
  await killContainer(await runtimeOf(store, job), container.id, number, job)
}

/** Asks a container to end by its stop signal, and kills it after `seconds` (-1: never). */
export async function stop(
  store: Store,
  container: Container,
  options: { seconds: number; signal?: string },
  job: Job,
): Promise<void> {
  if (containerState(store, container).status !== 'running') return
  await kill(store, container, options.signal ?? container.record.stopSignal, job)
  const patience = new AbortController()
  const timer = options.seconds < 0 ? undefined : setTimeout(() => patience.abort(), options.seconds * 1000)
  const signal = job.signal ? AbortSignal.any([job.signal, patience.signal]) : patience.signal
  try {
    await waitForExit(store, container, { ...job, signal })
  } catch (error) {
    if (!patience.signal.aborted || job.signal?.aborted) throw error
    await kill(store, container, 'SIGKILL', job)
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
    await kill(store, container, 'SIGKILL', job)
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
