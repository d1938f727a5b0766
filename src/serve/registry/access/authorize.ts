import type { IncomingMessage } from 'node:http'
import type { AccessDecision, AccessRequest, Authorize } from '../extensions.ts'
import { type ProtocolFailure, refuse } from '../failure.ts'
import type { Authenticated, Authentication, Authenticator } from './authenticate.ts'
import { subjectOf } from './identity.ts'
import { type Action, allowedActions, mayUse, type Policy } from './rules.ts'
import { type AccessEntry, actionsOf, formatScope } from './scope.ts'

/** What decisions are made from. */
export interface AuthorizationOptions {
  readonly authenticator: Authenticator
  readonly policy: Policy
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

/**
 * Decides about rights, before anything is looked up: who may not read a repository gets the same answer whether it
 * exists or not. A token allows at most what it says, and at most what the rules say now.
 *
 * Not allowed is 401 with a challenge for callers who have shown nothing, or a token (`insufficient_scope`: what clients
 * of token servers expect, and have words for), and 403 for those who are known by a password or a certificate.
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
  const wish = wishOf(access, options.policy)
  if ('problem' in found) {
    if (found.problem === 'slow-down') return slowedFailure(found.retryAfter)
    const error = found.problem === 'invalid-token' ? 'invalid_token' : undefined
    return unauthorized(access, wish, options, error)
  }
  const isAllowed = wish.isAllowed(found)
  if (found.granted) {
    if (!isAllowed || !wish.isGranted(found.granted)) return unauthorized(access, wish, options, 'insufficient_scope')
  } else if (!isAllowed) {
    return found.identity.kind === 'anonymous' ? unauthorized(access, wish, options) : denied(wish)
  }
  return { user: subjectOf(found.identity) || undefined }
}

function wishOf(access: AccessRequest, policy: Policy): Wish {
  if (access.action === 'ping') {
    // Clients learn from here that they can log in, so nobody is let in who has shown nothing.
    return { scope: undefined, isAllowed: (caller) => caller.via !== undefined, isGranted: () => true }
  }
  if (access.action === 'catalog' || access.action === 'admin')
    return registryWish(access.action, access.repository, policy)
  const name = access.repository ?? ''
  const action: Action = access.action
  const actions = action === 'push' ? ['pull', 'push'] : [action]
  return {
    scope: { type: 'repository', name, actions },
    isAllowed: ({ identity }) => allowedActions(policy.rules, identity, name).has(action),
    isGranted: (granted) =>
      granted.some(
        (entry) => entry.type === 'repository' && entry.name === name && actionsOf(entry.actions).includes(action),
      ),
  }
}

/** With a repository the question is whether the catalog may show it: to whom could pull it. */
function registryWish(name: 'catalog' | 'admin', repository: string | undefined, policy: Policy): Wish {
  return {
    scope: { type: 'registry', name, actions: ['*'] },
    isAllowed: ({ identity }) => {
      if (repository === undefined || name !== 'catalog') return mayUse(policy, identity, name)
      return allowedActions(policy.rules, identity, repository).has('pull')
    },
    isGranted: (granted) =>
      granted.some((entry) => entry.type === 'registry' && entry.name === name && entry.actions.includes('*')),
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
