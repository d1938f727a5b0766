import { ACTIONS, type Action } from './rules.ts'

/** One entry of the `access` claim of a token: what it lets its bearer do. */
export interface AccessEntry {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** Scopes in one request: clients ask for one or two, and the token must fit into a header. */
const MAX_SCOPES = 20
const MAX_LENGTH = 1024

/**
 * Reads scopes as clients send them: `repository:team/app:pull,push`, several separated by spaces. A name may contain a
 * colon (`host:port/...`): the first and the last one count. What makes no sense is left out, as getting less than was
 * asked for is no error. `repository(plugin):...` is another type, which nobody is granted.
 */
export function parseScopes(texts: readonly string[]): AccessEntry[] {
  return texts
    .flatMap((text) => text.split(' '))
    .filter((text) => text !== '' && text.length <= MAX_LENGTH)
    .slice(0, MAX_SCOPES)
    .flatMap((text) => parseScope(text) ?? [])
}

/** The scope as text: `repository:team/app:pull,push`. */
export function formatScope({ type, name, actions }: AccessEntry): string {
  return `${type}:${name}:${actions.join(',')}`
}

function parseScope(text: string): AccessEntry | undefined {
  const first = text.indexOf(':')
  const last = text.lastIndexOf(':')
  if (first < 1 || last === first) return undefined
  const actions = [...new Set(text.slice(last + 1).split(','))].filter((action) => action !== '')
  return { type: text.slice(0, first), name: text.slice(first + 1, last), actions }
}

/** The actions among those that were asked for by name, where `*` asks for all. */
export function actionsOf(asked: readonly string[]): readonly Action[] {
  return asked.includes('*') ? ACTIONS : ACTIONS.filter((action) => asked.includes(action))
}
