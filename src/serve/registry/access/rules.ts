import { fail } from '../../../core/index.ts'
import type { Pattern } from '../pattern.ts'
import type { Identity } from './identity.ts'
import { parseRepositoryPattern } from './repository-pattern.ts'

/** What can be done with a repository. Pushing usually needs `pull` as well, since clients look what is there first. */
export const ACTIONS = ['pull', 'push', 'delete'] as const

/** Something that can be done with a repository. */
export type Action = (typeof ACTIONS)[number]

/** Whom a rule is about. `authenticated` are all users, `robots` all robots, `everyone` these and anonymous callers. */
export type Who =
  | { readonly kind: 'user' | 'group' | 'robot'; readonly name: string }
  | { readonly kind: 'anonymous' | 'authenticated' | 'robots' | 'everyone' }

/** Who may do what: rules about repositories, and who may run the registry itself. */
export interface Policy {
  readonly rules: readonly Rule[]
  readonly admins: readonly Who[]
}

/** One `[[access.rule]]`. */
export interface Rule {
  readonly repositories: readonly Pattern[]
  readonly who: readonly Who[]
  readonly actions: ReadonlySet<Action>
}

const KINDS = ['anonymous', 'authenticated', 'robots', 'everyone'] as const
const NAMED = ['user', 'group', 'robot'] as const
const NOTHING: ReadonlySet<Action> = new Set()

/** What holds when there are users and no rules: who is logged in pulls and pushes everything. */
export const USER_RULES: readonly Rule[] = [
  {
    repositories: [parseRepositoryPattern('**')],
    who: [{ kind: 'authenticated' }],
    actions: new Set<Action>(['pull', 'push']),
  },
]

/** Reads a name of a rule's `who`: `alice`, `user:alice`, `group:dev`, `robot:ci`, `anonymous`... Fails with `ACCESS_INVALID`. */
export function parseWho(text: string): Who {
  const kind = KINDS.find((known) => known === text)
  if (kind) return { kind }
  const colon = text.indexOf(':')
  const prefix = colon < 0 ? 'user' : text.slice(0, colon)
  const name = text.slice(colon + 1)
  const named = NAMED.find((known) => known === prefix)
  if (!named || name === '') {
    throw fail('ACCESS_INVALID', `a rule cannot be about ${JSON.stringify(text)}`, {
      hint: `Write a user's name, user:NAME, group:NAME, robot:NAME, ${KINDS.join(', ')}.`,
    })
  }
  return { kind: named, name }
}

/** Reads the names of actions; `*` is all. Fails with `ACCESS_INVALID`. */
export function parseActions(names: readonly string[]): ReadonlySet<Action> {
  const actions = names.flatMap((name) => {
    if (name === '*') return ACTIONS
    const action = ACTIONS.find((known) => known === name)
    if (action) return [action]
    throw fail('ACCESS_INVALID', `unknown action ${JSON.stringify(name)}`, {
      hint: `Actions are ${ACTIONS.join(', ')}, and * for all.`,
    })
  })
  return new Set(actions)
}

/**
 * What someone may do with a repository, whether it exists or not.
 *
 * Rules are read from the top, and the first one that is about this repository and this caller decides; where none is,
 * nothing is allowed. What anonymous callers may do, everyone may do: one could always leave the credentials away.
 * Robots may do what their token says; a rule about them can only take away from it.
 */
export function allowedActions(rules: readonly Rule[], who: Identity, repository: string): ReadonlySet<Action> {
  const everyones = firstRule(rules, { kind: 'anonymous' }, repository)?.actions ?? NOTHING
  if (who.kind === 'anonymous') return everyones
  const own = who.kind === 'robot' ? robotActions(rules, who, repository) : firstRule(rules, who, repository)?.actions
  if (!own) return everyones
  return everyones.size === 0 ? own : new Set([...own, ...everyones])
}

/**
 * Whether somebody may use something of the registry that is about no repository: its `catalog`, which shows everybody
 * what they may pull, or its `admin`istration.
 */
export function mayUse({ rules, admins }: Policy, who: Identity, name: string): boolean {
  if (name === 'catalog') return who.kind !== 'anonymous' || admitsAnonymous(rules)
  return name === 'admin' && includes(admins, who)
}

/** Whether an anonymous caller may do anything anywhere; if not, there is no use in letting one look around. */
function admitsAnonymous(rules: readonly Rule[]): boolean {
  return rules.some((rule) => rule.actions.size > 0 && includes(rule.who, { kind: 'anonymous' }))
}

function robotActions(
  rules: readonly Rule[],
  robot: Extract<Identity, { kind: 'robot' }>,
  repository: string,
): ReadonlySet<Action> {
  const scoped = robot.scopes
    .filter((scope) => scope.repository.matches(repository))
    .flatMap(({ actions }) => [...actions])
  const granted = new Set(scoped)
  const rule = firstRule(rules, robot, repository)
  return rule ? new Set([...granted].filter((action) => rule.actions.has(action))) : granted
}

function firstRule(rules: readonly Rule[], who: Identity, repository: string): Rule | undefined {
  return rules.find(
    (rule) => includes(rule.who, who) && rule.repositories.some((pattern) => pattern.matches(repository)),
  )
}

/** Whether somebody is among those that are named. */
export function includes(names: readonly Who[], identity: Identity): boolean {
  return names.some((who) => {
    if (who.kind === 'everyone') return true
    if (identity.kind === 'anonymous') return who.kind === 'anonymous'
    if (identity.kind === 'robot') return who.kind === 'robots' || (who.kind === 'robot' && who.name === identity.name)
    if (who.kind === 'authenticated') return true
    if (who.kind === 'group') return identity.groups.includes(who.name)
    return who.kind === 'user' && who.name === identity.name
  })
}
