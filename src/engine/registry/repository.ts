import {
  loadRegistrySettings,
  openRegistryRepository,
  type RegistryRepository,
  type RepositoryName,
} from '../../registry/index.ts'
import type { Store } from '../../store/index.ts'

/** A repository of a registry, by what this machine and this user have configured; uploads go on where they were cut off. */
export function openRemote(
  store: Store,
  { domain, path }: RepositoryName,
  access: 'pull' | 'push',
): RegistryRepository {
  return openRegistryRepository({ domain, path }, { settings: loadRegistrySettings(), journal: store.uploads, access })
}
