import { isRepositoryName } from '../protocol/route.ts'
import type { Identity } from './identity.ts'
import { allowedActions, mayUse, type Policy } from './rules.ts'
import { type AccessEntry, actionsOf } from './scope.ts'

/**
 * What of the scopes that somebody asked for goes into a token: those that the rules allow. Less than was asked for is
 * no error; nothing at all is left out.
 */
export function grant(policy: Policy, identity: Identity, asked: readonly AccessEntry[]): AccessEntry[] {
  const granted = new Map<string, AccessEntry>()
  for (const entry of asked) {
    const actions = grantedActions(policy, identity, entry)
    const key = `${entry.type}:${entry.name}`
    const before = granted.get(key)?.actions ?? []
    if (actions.length > 0) granted.set(key, { ...entry, actions: [...new Set([...before, ...actions])] })
  }
  return [...granted.values()]
}

function grantedActions(policy: Policy, identity: Identity, asked: AccessEntry): readonly string[] {
  if (asked.type === 'repository' && isRepositoryName(asked.name)) {
    const allowed = allowedActions(policy.rules, identity, asked.name)
    return actionsOf(asked.actions).filter((action) => allowed.has(action))
  }
  const isWhole = asked.type === 'registry' && asked.actions.includes('*')
  return isWhole && mayUse(policy, identity, asked.name) ? ['*'] : []
}
