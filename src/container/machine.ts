import path from 'node:path'
import { checkCanceled, fail, type Job } from '../core/index.ts'
import { bootId, listEmulators } from '../host/index.ts'
import type { Snapshotter, Store } from '../store/index.ts'
import { type Keeper, openKeeper } from './keeper-client.ts'
import { type MachineFacts, runtimesFingerprint } from './probe.ts'
import type { Runtime } from './runtime.ts'

/** This machine as a place to mount and run. Disposing ends its keeper, if one was started. */
export interface Machine extends AsyncDisposable {
  /** The process that mounts and runs; started when first asked for. */
  readonly keeper: Keeper
  readonly snapshotter: Snapshotter
  /** The OCI runtime that works here. Fails with `RUNTIME_MISSING`. */
  runtime(): Runtime
  readonly facts: MachineFacts
}

/**
 * Gets ready to mount and run. `processes: true` ties everything that is started to this process, as a build wants it.
 * What the machine can do is found out once per boot and remembered in the store. Fails with `ROOT_NEEDED`.
 */
export async function openMachine(store: Store, options: { processes: boolean }, job: Job): Promise<Machine> {
  if (process.getuid?.() !== 0) {
    throw fail('ROOT_NEEDED', 'running a process in an image needs root', {
      hint: 'use sudo; builds without RUN, and all commands that only keep and move images, work for every user',
    })
  }
  let started: Keeper | undefined
  const keeper = (): Keeper => {
    started ??= openKeeper(options)
    return started
  }
  const dispose = async (): Promise<void> => started?.[Symbol.asyncDispose]()
  try {
    const facts = recall(store) ?? (await probe(store, keeper(), job))
    return {
      get keeper() {
        return keeper()
      },
      facts,
      snapshotter: store.snapshotter(facts.erofs.works ? 'erofs' : 'directory'),
      runtime: () => chosenRuntime(store, facts),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

const KIND = 'machine'
const factsKey = (): string => `${bootId()} ${runtimesFingerprint()}`

function recall(store: Store): MachineFacts | undefined {
  const known = store.memos.getText(KIND, factsKey())
  return known === undefined ? undefined : (JSON.parse(known) as MachineFacts)
}

async function probe(store: Store, keeper: Keeper, job: Job): Promise<MachineFacts> {
  using lease = store.lease()
  const request = { folder: path.join(lease.folder, 'probe'), id: lease.id, cgroup: store.layout.cgroup }
  const facts = await keeper.call('probe', request, job)
  checkCanceled(job)
  // what failed may work the next time: a runtime that was just installed, memory that was short for a moment
  if (facts.runtime) store.memos.set(KIND, factsKey(), JSON.stringify(facts))
  return facts
}

function chosenRuntime(store: Store, facts: MachineFacts): Runtime {
  const stateFolder = path.join(store.layout.runtime, 'runtime')
  const { runtime: program, seccompFilter } = facts
  const { cgroup } = store.layout
  const emulators = listEmulators()
  if (program) return { program, stateFolder, cgroup, emulators, ...(seccompFilter ? { seccompFilter } : {}) }
  const problems = facts.runtimeProblems
  const hint = problems.length === 0 ? { hint: 'install one with: apt-get install crun' } : {}
  throw fail('RUNTIME_MISSING', ['no OCI runtime works on this machine', ...problems].join('\n'), hint)
}
