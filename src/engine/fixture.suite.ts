import { rmSync } from 'node:fs'
import { afterEach } from 'vitest'
import { isRoot } from '../host/child.suite.ts'
import { findProgram } from '../host/index.ts'
import { type TestStore, temporaryStore } from '../store/fixture.suite.ts'
import { type Engine, openEngine } from './index.ts'

/** Whether containers of a busybox can be started here. */
export const canRun: boolean =
  isRoot &&
  ['conmon', 'busybox', 'unshare'].every((name) => findProgram(name) !== undefined) &&
  ['crun', 'runc'].some((name) => findProgram(name) !== undefined)

const opened: { engine: Engine; store: TestStore }[] = []

afterEach(async () => {
  for (const { engine, store } of opened.splice(0)) {
    for (const { id } of engine.containers.list()) await engine.containers.remove(id, { force: true })
    engine[Symbol.dispose]()
    rmSync(store.layout.runtime, { recursive: true, force: true })
  }
})

/** An engine, and the store that it works on, for putting things in. Its containers are gone after the test. */
export function openTestEngine(): { engine: Engine; store: TestStore } {
  const store = temporaryStore()
  const engine = openEngine({ root: store.root })
  opened.push({ engine, store })
  return { engine, store }
}

/** The same with the image `busybox`. */
export async function openBusyboxEngine(): Promise<{ engine: Engine; store: TestStore }> {
  const both = openTestEngine()
  await both.engine.bootstrap({ what: 'busybox' })
  return both
}
