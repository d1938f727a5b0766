import { type Household, openRemote, type RegistryWishes } from '../registry/repository.ts'
import type { Surroundings } from './open.ts'

/** All that places are opened with, for the time of `work`. */
export async function withSurroundings<T>(
  household: Household,
  wishes: RegistryWishes,
  work: (surroundings: Surroundings) => Promise<T>,
): Promise<T> {
  const { store } = household
  using lease = store.lease()
  return await work({ store, lease, registry: (name, access) => openRemote(household, name, { ...wishes, access }) })
}
