import type { Store } from '../../store/index.ts'
import { findRow } from './builds.ts'
import { type LoggedEvent, readBuildLog } from './log.ts'

/** Everything that a build reported, with times. Fails with `BUILD_NOT_FOUND` and `BUILD_AMBIGUOUS`. */
export async function* buildLog(store: Store, text: string): AsyncGenerator<LoggedEvent> {
  yield* readBuildLog(store.buildRecords.folder(findRow(store, text).id))
}
