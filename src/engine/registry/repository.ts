import { fail, type Job } from '../../core/index.ts'
import { repositoryOf } from '../../oci/index.ts'
import {
  loadRegistrySettings,
  openRegistryRepository,
  type RegistryRepository,
  type RegistrySettings,
  type RepositoryName,
  type SettingsOptions,
} from '../../registry/index.ts'
import type { Store } from '../../store/index.ts'

/** The store, and where what is configured about registries is found: the user's and this machine's files when missing. */
export interface Household {
  readonly store: Store
  readonly registries?: SettingsOptions | undefined
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

/** Fails with `IMAGE_NOT_FOUND`, in Docker's words, for a repository that its registry does not know. */
export async function checkRepository(
  remote: RegistryRepository,
  { domain, path }: RepositoryName,
  job: Job,
): Promise<void> {
  if (await remote.exists(job)) return
  const name = repositoryOf({ domain, path })
  throw fail('IMAGE_NOT_FOUND', `repository ${name} not found: name unknown: repository name not known to registry`)
}
