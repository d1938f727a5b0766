import {
  loadRegistrySettings,
  openRegistryRepository,
  type RegistryRepository,
  type RepositoryName,
} from '../../registry/index.ts'
import type { Store } from '../../store/index.ts'
import { registriesTold } from './told.ts'

/** A repository of a registry, by what is configured for the engine of this store; uploads go on where they were cut off. */
export function openRemote(
  store: Store,
  { domain, path }: RepositoryName,
  access: 'pull' | 'push',
): RegistryRepository {
  const settings = loadRegistrySettings(registriesTold(store))
  return openRegistryRepository({ domain, path }, { settings, journal: store.uploads, access })
}
