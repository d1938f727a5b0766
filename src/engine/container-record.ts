import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type ContainerMount, isMonitored } from '../container/index.ts'
import { type Digest, errnoOf, fail } from '../core/index.ts'
import { isAlive, type ProcessIdentity } from '../host/index.ts'
import type { Store, StoredContainer } from '../store/index.ts'

/** Everything a container was made with, and what is known of its runs. Plain data; lives in the store. */
export interface StoredRecord {
  /** The image as the user named it. */
  image: string
  imageId: Digest
  diffIds: Digest[]
  entrypoint: string[]
  command: string[]
  env: string[]
  cwd: string
  user: string
  hostname: string
  terminal: boolean
  openStdin: boolean
  network: 'host' | 'none'
  mounts: ContainerMount[]
  extraHosts: string[]
  readonlyRootfs: boolean
  shmSize: number | null
  labels: Record<string, string>
  /** Remove the container when it has ended. */
  autoRemove: boolean
  /** `SIGTERM`, `15` ... */
  stopSignal: string
  /** The latest start, if there was one. */
  started?: ProcessIdentity & { at: number }
}

/** A container as the store keeps it, with everything it was created from. */
export type Container = StoredContainer<StoredRecord>

/** What a container is doing, as far as the machine tells. */
export interface ContainerState {
  status: 'created' | 'running' | 'exited'
  pid?: number
  exitCode?: number
  startedAt?: Date
  finishedAt?: Date
}

/** Where a container's files are. */
export interface ContainerPaths {
  /** Keeps until the container is removed: log, exit code, its versions of /etc/hosts and the like. */
  folder: string
  log: string
  exits: string
  exitFile: string
  /** Gone after a reboot: bundle, attach socket. */
  bundle: string
}

/** Makes the paths; touches nothing. */
export function containerPaths(store: Store, id: string): ContainerPaths {
  const folder = path.join(store.layout.containers, id)
  const exits = path.join(folder, 'exit')
  const bundle = path.join(store.layout.runtime, 'c', id.slice(0, 12))
  return { folder, log: path.join(folder, 'output.log'), exits, exitFile: path.join(exits, id), bundle }
}

// what Docker reports for a container that was running when the machine went down
const LOST = 255

/**
 * The truth is asked of the machine, not remembered: the monitor leaves an exit code; without one a container runs if
 * its process is there, or its monitor, which is about to write the code; else it was lost, by a reboot or because its
 * monitor was killed.
 */
export function containerState(store: Store, container: Container): ContainerState {
  const { started } = container.record
  if (!started) return { status: 'created' }
  const paths = containerPaths(store, container.id)
  const startedAt = new Date(started.at)
  const running = (): boolean => isAlive(started) || isMonitored(paths.bundle, container.id)
  // asked in this order: what ends in between has left its code by the second look
  const exit = exitOf(paths) ?? (running() ? undefined : (exitOf(paths) ?? { exitCode: LOST }))
  return exit ? { status: 'exited', ...exit, startedAt } : { status: 'running', pid: started.pid, startedAt }
}

/** What the monitor has left, when it has. */
function exitOf({ exitFile }: ContainerPaths): Pick<ContainerState, 'exitCode' | 'finishedAt'> | undefined {
  try {
    const exitCode = Number(readFileSync(exitFile, 'utf8'))
    return { exitCode, finishedAt: statSync(exitFile).mtime }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The container a user means by id, beginning of an id, or name. Fails with `CONTAINER_NOT_FOUND`, in Docker's words. */
export function findContainer(store: Store, text: string): Container {
  const found = store.containers.find<StoredRecord>(text)
  if (found) return found
  throw fail('CONTAINER_NOT_FOUND', `No such container: ${text}`)
}
