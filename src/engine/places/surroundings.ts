import {
  loadRegistrySettings,
  openRegistryRepository,
  type RegistryRepository,
  type RegistrySettings,
  type RepositoryName,
  type SettingsOptions,
} from '../../registry/index.ts'
import type { Store } from '../../store/index.ts'
import type { Surroundings } from './open.ts'

/** The store, and where what is configured about registries is found. */
export interface Household {
  readonly store: Store
  readonly registries?: SettingsOptions
}

/** What a request says of registries. */
export interface RegistryWishes {
  /** Registries may speak plain HTTP, and their certificates are not verified. */
  insecure?: boolean
}

/** What is configured about registries, with the wishes of a request. */
export function settingsOf({ registries = {} }: Household, { insecure = false }: RegistryWishes): RegistrySettings {
  return loadRegistrySettings({ ...registries, ...(insecure ? { insecure } : {}) })
}

/** A repository of a registry. Uploads go on where they were cut off. */
export function openRemote(
  household: Household,
  { domain, path }: RepositoryName,
  options: RegistryWishes & { access: 'pull' | 'push' },
): RegistryRepository {
  const settings = settingsOf(household, options)
  const { access } = options
  return openRegistryRepository({ domain, path }, { settings, access, journal: household.store.uploads })
}

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
