import { fail } from '../../core/index.ts'
import { parseReference } from '../../oci/index.ts'
import type { RepositoryName } from '../settings.ts'
import { registryName } from './domain.ts'
import type { RegistryRule } from './registries-conf.ts'

/** The rule that covers most of a name (`docker.io/library/busybox`); of those that cover as much, the plainest. */
export function findRule(rules: readonly RegistryRule[], name: string): RegistryRule | undefined {
  const matching = rules
    .map((rule) => ({
      rule,
      rank: [matchedLength(name, rule.prefix), rule.prefix.startsWith('*') ? 0 : 1, rule.prefix.length],
    }))
    .filter(({ rank }) => rank[0]! >= 0)
  return matching.toSorted((a, b) => compareRanks(b.rank, a.rank))[0]?.rule
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((each, at) => each !== b[at])
  return index < 0 ? 0 : a[index]! - b[index]!
}

/** How much of a name a prefix covers; -1 when it is no prefix of it. It ends where a part of the name ends. */
export function matchedLength(name: string, prefix: string): number {
  if (prefix.startsWith('*.')) return matchedSubdomain(name, prefix.slice(1))
  return name.startsWith(prefix) && endsPart(name, prefix.length) ? prefix.length : -1
}

function matchedSubdomain(name: string, suffix: string): number {
  const index = name.indexOf(suffix)
  const end = index + suffix.length
  return index >= 0 && !name.slice(0, index).includes('/') && endsPart(name, end) ? end : -1
}

function endsPart(name: string, end: number): boolean {
  return end === name.length || '/:@'.includes(name[end]!)
}

/**
 * The repository that a name stands for when a location takes the place of the prefix; the name of a registry may stand
 * for a part of one, too. Fails with `REGISTRY_CONFIG_INVALID` when that is no name.
 */
export function rewriteName(name: string, rule: RegistryRule, location: string): RepositoryName {
  const rewritten = location === '' ? name : location + name.slice(matchedLength(name, rule.prefix))
  if (!name.includes('/')) {
    const [domain = '', ...path] = rewritten.split('/')
    return { domain, path: path.join('/') }
  }
  try {
    const { domain, path, tag } = parseReference(rewritten)
    const host = registryName(rewritten.slice(0, rewritten.indexOf('/')))
    if (tag === undefined && domain === host) return { domain, path }
  } catch {
    // the words below say more than those about the reference
  }
  const what = `"${name}" with "${location}" in place of "${rule.prefix}" is "${rewritten}", which is no repository`
  throw fail('REGISTRY_CONFIG_INVALID', `${rule.file}: ${what}`)
}
