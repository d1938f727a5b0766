import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { type Machine, openMachine } from '../container/index.ts'
import { type Job, OncePerKey } from '../core/index.ts'
import { removeCgroup, removeTree } from '../host/index.ts'
import type { Lease, Store } from '../store/index.ts'
import { FileLists } from './files/file-lists.ts'
import type { FileSource } from './files/source.ts'
import type { SourceCopy } from './mounts/bind.ts'
import { readSecret, type Secrets } from './mounts/secret.ts'
import { type Agents, openAgentSocket } from './mounts/ssh.ts'

/** What the user lends to a build, and what must not stay in it. */
export interface Lent {
  secrets?: Secrets
  agents?: Agents
}

/** What the operations of one build share. Disposing ends the keeper, and with it everything that was mounted or run. */
export class BuildSession implements AsyncDisposable {
  readonly store: Store
  readonly lease: Lease
  /** Where stacks are mounted and bundles lie; seen by this build's keeper only. */
  readonly mountFolder: string
  /** Secrets and SSH agents by the ids that Dockerfiles ask for. */
  readonly secrets: Secrets
  readonly agents: Agents
  /** What the digests of copied files are of. */
  readonly fileLists: FileLists
  #machine: Promise<Machine> | undefined
  #keys: string[] = []
  #folders = 0
  readonly #seen = new Set<string>()
  readonly #ending = new AsyncDisposableStack()
  readonly #sources = new WeakMap<FileSource, OncePerKey<string, SourceCopy>>()

  constructor(store: Store, lease: Lease, { secrets = {}, agents = {} }: Lent = {}) {
    this.store = store
    this.lease = lease
    this.secrets = secrets
    this.agents = agents
    this.fileLists = new FileLists(store.memos)
    this.mountFolder = path.join(store.layout.runtime, `build-${lease.id}`)
  }

  /** The bytes of a secret; `undefined` when the user gave none of this name. Fails with `SECRET_INVALID`. */
  secret(id: string): Buffer | undefined {
    return readSecret(this.secrets, id)
  }

  /** A socket on which the agent of this id answers; `undefined` when the user gave none. It goes with the build. */
  async agentSocket(id: string): Promise<string | undefined> {
    const source = Object.hasOwn(this.agents, id) ? this.agents[id]! : undefined
    if (!source || 'socket' in source) return source?.socket
    const file = path.join(this.newFolder('agent'), 'socket')
    const owner = { mode: 0o600, uid: process.getuid!(), gid: process.getgid!() }
    this.#ending.use(await openAgentSocket(source, file, owner))
    return file
  }

  /** A name for a snapshot or a container that no other build uses; `collect` recognises the lease in it. */
  newKey(): string {
    const key = `build-${this.lease.id}-${this.#keys.length + 1}`
    this.#keys.push(key)
    return key
  }

  /** Whether this is asked for the first time in this build. */
  isFirst(what: string): boolean {
    if (this.#seen.has(what)) return false
    this.#seen.add(what)
    return true
  }

  /** An empty folder on the store's disk that goes with the build. */
  newFolder(name: string): string {
    const folder = path.join(this.lease.folder, `${name}-${++this.#folders}`)
    mkdirSync(folder, { mode: 0o700 })
    return folder
  }

  /** The copy of what is at a path of the user's files, made by `make` when it is first asked for. */
  sources(files: FileSource, source: string, make: () => Promise<SourceCopy>): Promise<SourceCopy> {
    const known = this.#sources.get(files) ?? new OncePerKey<string, SourceCopy>()
    this.#sources.set(files, known)
    return known.get(source, make)
  }

  /** The keeper and what belongs to it, started when first needed. Fails with `ROOT_NEEDED` for an ordinary user. */
  machine(job: Job): Promise<Machine> {
    this.#machine ??= openMachine(this.store, { processes: true }, job)
    return this.#machine
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending.disposeAsync()
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
