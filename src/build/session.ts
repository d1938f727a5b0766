import path from 'node:path'
import { type Machine, openMachine } from '../container/index.ts'
import type { Job } from '../core/index.ts'
import { removeCgroup, removeTree } from '../host/index.ts'
import type { Lease, Store } from '../store/index.ts'
import { FileLists } from './files/file-lists.ts'

/** What of the user's a build may use, beside its context. */
export interface SessionOptions {
  /** A secret by its id; `undefined` when the user gave none of this name. */
  secret?: (id: string) => Buffer | undefined
  /** The socket of an SSH agent by its id (`default`); `undefined` when the user gave none of this name. */
  sshAgent?: (id: string) => string | undefined
}

/** What the operations of one build share. Disposing ends the keeper, and with it everything that was mounted or run. */
export class BuildSession implements AsyncDisposable {
  readonly store: Store
  readonly lease: Lease
  /** Where stacks are mounted and bundles lie; seen by this build's keeper only. */
  readonly mountFolder: string
  readonly secret: SessionOptions['secret']
  readonly sshAgent: SessionOptions['sshAgent']
  /** What the digests of copied files are of. */
  readonly fileLists: FileLists
  #machine: Promise<Machine> | undefined
  #keys: string[] = []

  constructor(store: Store, lease: Lease, options: SessionOptions = {}) {
    this.store = store
    this.lease = lease
    this.secret = options.secret
    this.sshAgent = options.sshAgent
    this.fileLists = new FileLists(store.memos)
    this.mountFolder = path.join(store.layout.runtime, `build-${lease.id}`)
  }

  /** A name for a snapshot or a container that no other build uses; `collect` recognises the lease in it. */
  newKey(): string {
    const key = `build-${this.lease.id}-${this.#keys.length + 1}`
    this.#keys.push(key)
    return key
  }

  /** The keeper and what belongs to it, started when first needed. Fails with `ROOT_NEEDED` for an ordinary user. */
  machine(job: Job): Promise<Machine> {
    this.#machine ??= openMachine(this.store, { processes: true }, job)
    return this.#machine
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const machine = await this.#machine?.catch(() => undefined)
    await machine?.[Symbol.asyncDispose]()
    for (const key of this.#keys) {
      machine?.snapshotter.remove(key)
      // a keeper that was killed had no time for it
      removeCgroup(path.join(this.store.layout.cgroup, key))
    }
    removeTree(this.mountFolder)
  }
}
