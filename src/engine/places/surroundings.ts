import { fail } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'
import type { Surroundings } from './open.ts'

export async function withSurroundings<T>(store: Store, work: (surroundings: Surroundings) => Promise<T>): Promise<T> {
  using lease = store.lease()
  return await work({
    store,
    lease,
    registry: () => {
      throw fail('PLACE_UNSUPPORTED', 'registry')
    },
  })
}
