import { parseReference, repositoryOf } from '../../oci/index.ts'
import { registryName } from './domain.ts'
import { placesOf, type SettingsOptions } from './places.ts'
import { readRegistriesConf } from './registries-conf.ts'

/**
 * The repositories that a name without a registry may stand for on this machine, by the aliases and the search list of
 * registries.conf: an alias is the only one. Empty where that file says nothing, and for names with a registry; Docker's
 * rule, which Slipway's commands follow, is `docker.io` then and always. Fails with `REGISTRY_CONFIG_INVALID`.
 */
export function shortNameRepositories(name: string, options: SettingsOptions = {}): string[] {
  const short = withoutSuffix(name)
  if (registryName(short.split('/', 1)[0]!) === parseReference(name).domain) return []
  const { search, aliases } = readRegistriesConf(placesOf(options))
  const alias = aliases.get(short)
  if (alias) return [repositoryOf(parseReference(alias))]
  return search.map((registry) => repositoryOf(parseReference(`${registry}/${short}`)))
}

function withoutSuffix(name: string): string {
  return name.split('@', 1)[0]!.replace(/:[^/:]*$/, '')
}
