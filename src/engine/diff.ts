import { fail, type Job } from '../core/index.ts'
import { type Change, compareTrees } from '../layer/index.ts'
import type { Store } from '../store/index.ts'
import { openFiles } from './filesystem.ts'

/** What to compare. */
export interface DiffRequest {
  /** A container or an image. */
  name: string
  /** Another one, to see what is different there; without it, what `name` changed of what it was made from. */
  other?: string
  /** Modification times do not count. */
  ignoreTimes?: boolean
}

/**
 * What is different, a directory before its entries. Fails with `IMAGE_NOT_FOUND`, and with `DIFF_NEEDS_TWO` for an
 * image alone.
 */
export async function* diff(store: Store, request: DiffRequest, job: Job): AsyncGenerator<Change, void, void> {
  const { name, other, ignoreTimes = false } = request
  using lease = store.lease()
  const first = await openFiles(store, lease, { name }, job)
  if (other === undefined) {
    if (!first.below) {
      throw fail('DIFF_NEEDS_TWO', `${name} is an image: there is nothing that it was changed from`, {
        hint: `name another image to compare it with: slipway diff ${name} OTHER`,
      })
    }
    yield* compareTrees(first.below, first.tree, { ignoreTimes }, job)
    return
  }
  const second = await openFiles(store, lease, { name: other }, job)
  yield* compareTrees(first.tree, second.tree, { ignoreTimes }, job)
}
