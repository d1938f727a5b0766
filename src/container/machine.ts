import path from 'node:path'
import { fail, type Job } from '../core/index.ts'
import type { Snapshotter, Store } from '../store/index.ts'
import { type Keeper, openKeeper } from './keeper-client.ts'
import { bootId, type MachineFacts, runtimesFingerprint } from './probe.ts'
import type { Runtime } from './runtime.ts'

/** A keeper with what it needs to mount and run. Disposing ends the keeper. */
export interface Machine extends AsyncDisposable {
  readonly keeper: Keeper
  readonly snapshotter: Snapshotter
  /** The OCI runtime; fails with `RUNTIME_MISSING` when there is none. */
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
  const keeper = openKeeper(options)
  try {
    const facts = await machineFacts(store, keeper, job)
    return {
      keeper,
      facts,
      snapshotter: store.snapshotter(facts.erofs.works ? 'erofs' : 'directory'),
      runtime: () => chosenRuntime(store, facts),
      [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
    }
  } catch (error) {
    await keeper[Symbol.asyncDispose]()
    throw error
  }
}

/** What this machine can do, from memory when this boot has been asked before. */
export async function machineFacts(store: Store, keeper: Keeper, job: Job): Promise<MachineFacts> {
  const key = `${bootId()} ${runtimesFingerprint()}`
  const known = store.memos.getText('machine', key)
  if (known) return JSON.parse(known) as MachineFacts
  const folder = path.join(store.layout.root, 'ingest', `probe-${process.pid}`)
  const facts = await keeper.call('probe', { folder }, job)
  store.memos.set('machine', key, JSON.stringify(facts))
  return facts
}

function chosenRuntime(store: Store, facts: MachineFacts): Runtime {
  const stateFolder = path.join(store.layout.runtime, 'runtime')
  if (facts.runtime) return { program: facts.runtime, stateFolder }
  throw fail('RUNTIME_MISSING', ['no OCI runtime works on this machine', ...facts.runtimeProblems].join('\n'), {
    hint: 'install one with: apt-get install crun',
  })
}
