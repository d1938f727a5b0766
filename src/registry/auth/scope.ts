/** What may be done with a repository; the words of token servers. */
export type Action = 'pull' | 'push' | 'delete'

/** The scope of one repository: `repository:team/app:pull,push`. */
export function repositoryScope(path: string, actions: Iterable<Action>): string {
  return `repository:${path}:${[...actions].sort().join(',')}`
}

/**
 * Scopes in one form: those of one resource become one, actions and scopes are sorted, `*` stands for all actions. What is
 * no scope (`type:name:actions`, where a name may have colons of its own) stays as it is.
 */
export function mergeScopes(scopes: Iterable<string>): string[] {
  const actionsOf = new Map<string, Set<string>>()
  const others = new Set<string>()
  for (const scope of scopes) {
    const [first, last] = [scope.indexOf(':'), scope.lastIndexOf(':')]
    if (first === last) {
      if (scope !== '') others.add(scope)
      continue
    }
    const resource = scope.slice(0, last)
    const actions = actionsOf.get(resource) ?? new Set()
    for (const action of scope.slice(last + 1).split(',')) if (action !== '') actions.add(action)
    actionsOf.set(resource, actions)
  }
  const merged = [...actionsOf]
    .filter(([, actions]) => actions.size > 0)
    .map(([resource, actions]) => `${resource}:${actions.has('*') ? '*' : [...actions].sort().join(',')}`)
  return [...merged, ...others].sort()
}
