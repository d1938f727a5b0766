import type { IncomingMessage } from 'node:http'
import type { AccessDecision, AccessRequest, Authorize } from '../extensions.ts'
import { type ProtocolFailure, refuse } from '../failure.ts'
import type { Authenticated, Authentication, Authenticator } from './authenticate.ts'
import { subjectOf } from './identity.ts'
import { type Action, admitsAnonymous, allowedActions, type Rule } from './rules.ts'
import { type AccessEntry, actionsOf, formatScope } from './scope.ts'

/** What decisions are made from. */
export interface AuthorizationOptions {
  readonly authenticator: Authenticator
  readonly rules: readonly Rule[]
  readonly service: string
  /** Where the caller reaches the token endpoint. */
  realm(request: IncomingMessage): string
}

/** What somebody wants, as a token would say it. */
interface Wish {
  /** The scopes that a challenge asks for. */
  readonly scope: AccessEntry | undefined
  /** Whether the rules allow it to this caller. */
  isAllowed(caller: Authenticated): boolean
  /** Whether a token with these scopes is enough. */
  isGranted(granted: readonly AccessEntry[]): boolean
}

const CATALOG: AccessEntry = { type: 'registry', name: 'catalog', actions: ['*'] }

/**
 * Decides about rights, before anything is looked up: who may not read a repository gets the same answer whether it
 * exists or not. A token allows at most what it says, and at most what the rules say now.
 *
 * Not allowed is 401 with a challenge for callers who could log in, or get another token, and then may; and 403 for
 * those who are known and may not.
 */
export function createAuthorize(options: AuthorizationOptions): Authorize {
  return (access) => {
    const found = options.authenticator.authenticate(access.request)
    return found instanceof Promise
      ? found.then((authentication) => decide(authentication, access, options))
      : decide(found, access, options)
  }
}

/** The failure for somebody who was slowed down. */
export function slowedFailure(retryAfter: number): ProtocolFailure {
  return refuse('TOOMANYREQUESTS', `too many failed logins, try again in ${retryAfter} s`, {
    headers: { 'Retry-After': String(retryAfter) },
  })
}

function decide(found: Authentication, access: AccessRequest, options: AuthorizationOptions): AccessDecision {
  const wish = wishOf(access, options.rules)
  if ('problem' in found) {
    if (found.problem === 'slow-down') return slowedFailure(found.retryAfter)
    const error = found.problem === 'invalid-token' ? 'invalid_token' : undefined
    return unauthorized(access, wish, options, error)
  }
  if (!wish.isAllowed(found)) {
    if (found.identity.kind !== 'anonymous') return denied(wish)
    return unauthorized(access, wish, options, found.granted ? 'insufficient_scope' : undefined)
  }
  if (found.granted && !wish.isGranted(found.granted)) return unauthorized(access, wish, options, 'insufficient_scope')
  return { user: subjectOf(found.identity) || undefined }
}

function wishOf(access: AccessRequest, rules: readonly Rule[]): Wish {
  if (access.action === 'ping') {
    // Clients learn from here that they can log in, so nobody is let in who has shown nothing.
    return { scope: undefined, isAllowed: (caller) => caller.via !== undefined, isGranted: () => true }
  }
  if (access.action === 'catalog') return catalogWish(access.repository, rules)
  const name = access.repository ?? ''
  const action: Action = access.action
  const actions = action === 'push' ? ['pull', 'push'] : [action]
  return {
    scope: { type: 'repository', name, actions },
    isAllowed: ({ identity }) => allowedActions(rules, identity, name).has(action),
    isGranted: (granted) =>
      granted.some(
        (entry) => entry.type === 'repository' && entry.name === name && actionsOf(entry.actions).includes(action),
      ),
  }
}

/** With a repository the question is whether it may be listed: to whom could pull it. */
function catalogWish(repository: string | undefined, rules: readonly Rule[]): Wish {
  return {
    scope: CATALOG,
    isAllowed: ({ identity }) => {
      if (repository !== undefined) return allowedActions(rules, identity, repository).has('pull')
      return identity.kind !== 'anonymous' || admitsAnonymous(rules)
    },
    isGranted: (granted) =>
      granted.some(({ type, name, actions }) => type === 'registry' && name === 'catalog' && actions.includes('*')),
  }
}

function unauthorized(
  { request, isProbe }: AccessRequest,
  wish: Wish,
  { realm, service }: AuthorizationOptions,
  error?: string,
): ProtocolFailure {
  if (isProbe) return refuse('UNAUTHORIZED', 'authentication required')
  const parameters = {
    realm: realm(request),
    service,
    ...(wish.scope ? { scope: formatScope(wish.scope) } : {}),
    ...(error ? { error } : {}),
  }
  const challenge = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`)
  return refuse('UNAUTHORIZED', 'authentication required', {
    detail: detailOf(wish),
    headers: { 'WWW-Authenticate': `Bearer ${challenge.join(',')}` },
  })
}

function denied(wish: Wish): ProtocolFailure {
  return refuse('DENIED', 'requested access to the resource is denied', { detail: detailOf(wish) })
}

function detailOf({ scope }: Wish): unknown {
  return scope?.actions.map((action) => ({ Type: scope.type, Class: '', Name: scope.name, Action: action }))
}
