import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { openMachine, runnablePlatforms } from '../container/index.ts'
import { type Job, messageOf } from '../core/index.ts'
import type { Store } from '../store/index.ts'
import { type Container, containerState } from './container-record.ts'
import { listImages } from './images.ts'

/** What `slipway info` tells about this machine and this store. */
export interface Info {
  root: string
  images: number
  containers: { total: number; running: number; stopped: number }
  /** How layers are mounted: `erofs`, `directory`, or why nothing is. */
  snapshotter: string
  /** Why layers are not mounted from their index. */
  snapshotterReason?: string
  /** Path of the OCI runtime, or why there is none. */
  runtime: string
  kernel: string
  operatingSystem: string
  architecture: string
  /** What can be run and built for, the machine's own first; the others by emulation or older modes of the processor. */
  platforms: string[]
  cpus: number
  /** Bytes. */
  memory: number
  name: string
  rootless: boolean
}

/** Looks at the machine; what takes a trial (mounting, running) is remembered from the first time of a boot. */
export async function info(store: Store, job: Job): Promise<Info> {
  const containers = store.containers.list() as Container[]
  const running = containers.filter((container) => containerState(store, container).status === 'running').length
  return {
    root: store.layout.root,
    images: listImages(store).length,
    containers: { total: containers.length, running, stopped: containers.length - running },
    ...(await abilities(store, job)),
    kernel: os.release(),
    operatingSystem: distribution(),
    architecture: os.machine(),
    platforms: runnablePlatforms(),
    cpus: os.availableParallelism(),
    memory: os.totalmem(),
    name: os.hostname(),
    rootless: process.getuid?.() !== 0,
  }
}

async function abilities(store: Store, job: Job): Promise<Pick<Info, 'snapshotter' | 'snapshotterReason' | 'runtime'>> {
  try {
    await using machine = await openMachine(store, { processes: true }, job)
    const { facts, snapshotter } = machine
    const reason = facts.erofs.reason
    return {
      snapshotter: snapshotter.kind,
      ...(reason === undefined ? {} : { snapshotterReason: reason }),
      runtime: facts.runtime ?? `none works (${facts.runtimeProblems.join('; ') || 'crun and runc are not installed'})`,
    }
  } catch (error) {
    return { snapshotter: `none (${messageOf(error)})`, runtime: `none (${messageOf(error)})` }
  }
}

function distribution(): string {
  const file = ['/etc/os-release', '/usr/lib/os-release'].find((name) => existsSync(name))
  const found = file && /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync(file, 'utf8'))
  return found?.[1] ?? os.type()
}
