import { fail } from '../../core/index.ts'
import type { BuildRecordRow, Store } from '../../store/index.ts'
import { type LoggedEvent, readBuildLog } from './log.ts'
import type { PastBuild, StoredBuild } from './record.ts'

/** All builds that are remembered, latest first. */
export function listBuilds(store: Store): PastBuild[] {
  return store.buildRecords.list<StoredBuild>().map(recordOf)
}

/** The latest build that got to its steps, also one that failed. */
export function latestExplained(store: Store): PastBuild | undefined {
  const row = store.buildRecords.latestDefined<StoredBuild>()
  return row && recordOf(row)
}

/**
 * The build that a user means: an id (builder and node of buildx may stand before it), the beginning of one, or `^0` for the
 * latest, `^1` for the one before. Fails with
 * `BUILD_NOT_FOUND` and `BUILD_AMBIGUOUS`.
 */
export function findBuild(store: Store, ref: string): PastBuild {
  const text = ref.slice(ref.lastIndexOf('/') + 1)
  const offset = /^\^(\d{1,6})$/.exec(text)?.[1]
  if (offset !== undefined) {
    const row = store.buildRecords.at<StoredBuild>(Number(offset))
    if (row) return recordOf(row)
  }
  const rows = /^[0-9a-z]+$/.test(text) ? store.buildRecords.find<StoredBuild>(text) : []
  if (rows.length > 1) throw fail('BUILD_AMBIGUOUS', `several builds have an id that begins with ${text}`)
  if (rows[0]) return recordOf(rows[0])
  throw fail('BUILD_NOT_FOUND', `no record found for ref "${text.slice(0, 100)}"`, {
    hint: '"slipway builds ls" shows the builds that are remembered',
  })
}

/** Everything that a build reported, with times. Fails as `findBuild` does. */
export async function* buildLog(store: Store, text: string): AsyncGenerator<LoggedEvent> {
  yield* readBuildLog(store.buildRecords.folder(findBuild(store, text).id))
}

/** Forgets a build with its log; its id. Fails as `findBuild` does, and with `BUILD_RUNNING`. */
export function removeBuild(store: Store, text: string): string {
  const { id, status } = findBuild(store, text)
  if (status === 'running') throw fail('BUILD_RUNNING', `build ${id} is still running`)
  store.buildRecords.remove(id)
  return id
}

function recordOf({ record, running, ...columns }: BuildRecordRow<StoredBuild>): PastBuild {
  const ended = record.status !== 'running'
  return { ...record, ...columns, status: ended ? record.status : running ? 'running' : 'interrupted' }
}
