import { fail } from '../../core/index.ts'
import type { BuildRecordRow, Store } from '../../store/index.ts'
import type { PastBuild } from './record.ts'
import { storedBuild } from './stored-build.ts'

/** All builds that are remembered, latest first; those whose records cannot be read are left out. */
export function listBuilds(store: Store): PastBuild[] {
  return store.buildRecords.list().flatMap((row) => recordOf(row) ?? [])
}

/** The latest build that got to its steps, also one that failed. */
export function latestExplained(store: Store): PastBuild | undefined {
  const row = store.buildRecords.latestDefined()
  return row && recordOf(row)
}

/**
 * The build that a user means: an id (builder and node of buildx may stand before it), the beginning of one, or `^0` for the
 * latest, `^1` for the one before. Fails with
 * `BUILD_NOT_FOUND`, `BUILD_AMBIGUOUS` and `BUILD_RECORD_INVALID`.
 */
export function findBuild(store: Store, ref: string): PastBuild {
  const row = findRow(store, ref)
  const build = recordOf(row)
  if (build) return build
  throw fail('BUILD_RECORD_INVALID', `the record of build ${row.id} cannot be read`, {
    hint: `"slipway builds rm ${row.id}" removes it`,
  })
}

/** The row of a build, by its id, the beginning of one, or `^N`. Fails with `BUILD_NOT_FOUND` and `BUILD_AMBIGUOUS`. */
export function findRow(store: Store, ref: string): BuildRecordRow {
  const text = ref.slice(ref.lastIndexOf('/') + 1)
  const offset = /^\^(\d{1,6})$/.exec(text)?.[1]
  if (offset !== undefined) {
    const row = store.buildRecords.at(Number(offset))
    if (row) return row
  }
  const rows = /^[0-9a-z]+$/.test(text) ? store.buildRecords.find(text) : []
  if (rows.length > 1) throw fail('BUILD_AMBIGUOUS', `several builds have an id that begins with ${text}`)
  if (rows[0]) return rows[0]
  throw fail('BUILD_NOT_FOUND', `no record found for ref "${text.slice(0, 100)}"`, {
    hint: '"slipway builds ls" shows the builds that are remembered',
  })
}

/** Forgets a build with its log; its id. Fails with `BUILD_NOT_FOUND`, `BUILD_AMBIGUOUS` and `BUILD_RUNNING`. */
export function removeBuild(store: Store, text: string): string {
  const { id, running } = findRow(store, text)
  if (running) throw fail('BUILD_RUNNING', `build ${id} is still running`)
  store.buildRecords.remove(id)
  return id
}

function recordOf({ record: stored, running, ...columns }: BuildRecordRow): PastBuild | undefined {
  const record = storedBuild(stored)
  if (!record) return undefined
  const ended = record.status !== 'running'
  return { ...record, ...columns, status: ended ? record.status : running ? 'running' : 'interrupted' }
}
