import { fail } from '../../core/index.ts'
import { parseReference } from '../../oci/index.ts'
import type { RepositoryName } from '../settings.ts'
import type { RegistryRule } from './registries-conf.ts'

/** The rule with the longest prefix of a name: `docker.io/library/busybox`. */
export function findRule(rules: readonly RegistryRule[], name: string): RegistryRule | undefined {
  let found: RegistryRule | undefined
  let longest = -1
  for (const rule of rules) {
    const length = matchedLength(name, rule.prefix)
    const isLonger = length > longest || (length === longest && rule.prefix.length > found!.prefix.length)
    if (length >= 0 && isLonger) [found, longest] = [rule, length]
  }
  return found
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
 * The repository that a name stands for when a location takes the place of the prefix. Fails with
 * `REGISTRY_CONFIG_INVALID` when that is no name.
 */
export function rewriteName(name: string, rule: RegistryRule, location: string): RepositoryName {
  const rewritten = location === '' ? name : location + name.slice(matchedLength(name, rule.prefix))
  try {
    const { domain, path, tag } = parseReference(rewritten)
    if (tag === undefined) return { domain, path }
  } catch {
    // the words below say more than those about the reference
  }
  const what = `"${name}" with "${location}" in place of "${rule.prefix}" is "${rewritten}", which is no repository`
  throw fail('REGISTRY_CONFIG_INVALID', `${rule.file}: ${what}`)
}
