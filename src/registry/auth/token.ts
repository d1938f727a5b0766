import { fail, isJsonObject, type Job, parseJson } from '../../core/index.ts'
import type { Credentials } from '../settings.ts'

/** A token that a token server gave. */
export interface Token {
  readonly token: string
  /** When it should not be used any more, in milliseconds since 1970: at four fifths of its life. */
  readonly renewAt: number
  /** OAuth2's; what `docker login` keeps in place of the password. */
  readonly refreshToken?: string
}

/** What a token is asked for. */
export interface TokenRequest {
  readonly realm: URL
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
  /** Also asks for a refresh token. */
  readonly offline?: boolean
}

/** How a token server is asked. Any status comes back. */
export type AskTokenServer = (
  request: { method: 'GET' | 'POST'; url: URL; headers: Record<string, string>; body?: Buffer },
  job: Job,
) => Promise<{ status: number; body: Buffer }>

const CLIENT_ID = 'slipway'
/** Seconds; distribution's "Token Authentication Specification": for compatibility, what lacks or is less is this. */
const SHORTEST_LIFE = 60
const MOST_BYTES = 1 << 20

/**
 * Asks a token server: with GET, which all know; with OAuth2's POST where there is a refresh token. Where a server does
 * not know one way (404, 405), the other is tried. Fails with `REGISTRY_UNAUTHORIZED`, `REGISTRY_DENIED`,
 * `REGISTRY_INVALID_ANSWER`.
 */
export async function fetchToken(request: TokenRequest, ask: AskTokenServer, job: Job): Promise<Token> {
  const oauthFirst = request.credentials?.kind === 'identity-token'
  const ways = oauthFirst ? [byPost, byGet] : [byGet, byPost]
  const first = await ways[0]!(request, ask, job)
  const isUnknown = first !== undefined && (first.status === 404 || first.status === 405)
  const answer = isUnknown && request.credentials ? ((await ways[1]!(request, ask, job)) ?? first) : first
  if (!answer) throw fail('REGISTRY_UNAUTHORIZED', 'unauthorized: authentication required')
  return tokenOf(answer, request)
}

type Answered = Promise<{ status: number; body: Buffer } | undefined>

async function byGet(
  { realm, service, scopes, credentials, offline }: TokenRequest,
  ask: AskTokenServer,
  job: Job,
): Answered {
  const url = new URL(realm)
  if (service) url.searchParams.append('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  url.searchParams.append('client_id', CLIENT_ID)
  if (offline) url.searchParams.append('offline_token', 'true')
  const user = userOf(credentials)
  if (user) url.searchParams.append('account', user.username)
  const headers: Record<string, string> = user ? { authorization: basic(user.username, user.secret) } : {}
  return ask({ method: 'GET', url, headers }, job)
}

async function byPost(
  { realm, service, scopes, credentials, offline }: TokenRequest,
  ask: AskTokenServer,
  job: Job,
): Answered {
  const form = new URLSearchParams({ client_id: CLIENT_ID })
  if (service) form.set('service', service)
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  if (offline) form.set('access_type', 'offline')
  if (credentials?.kind === 'identity-token') {
    form.set('grant_type', 'refresh_token')
    form.set('refresh_token', credentials.token)
  } else if (credentials?.kind === 'password') {
    form.set('grant_type', 'password')
    form.set('username', credentials.username)
    form.set('password', credentials.password)
  } else return undefined
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return ask({ method: 'POST', url: new URL(realm), headers, body: Buffer.from(form.toString()) }, job)
}

/** An identity token is the password where a server knows no OAuth2. */
function userOf(credentials: Credentials | undefined): { username: string; secret: string } | undefined {
  if (credentials?.kind === 'password') return { username: credentials.username, secret: credentials.password }
  if (credentials?.kind !== 'identity-token' || !credentials.username) return undefined
  return { username: credentials.username, secret: credentials.token }
}

/** The value of an `Authorization` header for a user and a password (RFC 7617). */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function tokenOf({ status, body }: { status: number; body: Buffer }, { realm, credentials }: TokenRequest): Token {
  const place = `${realm.origin}${realm.pathname}`
  if (status === 401 || (status === 400 && credentials)) throw refused(credentials)
  if (status === 403) throw fail('REGISTRY_DENIED', 'denied: requested access to the resource is denied')
  if (status !== 200) throw fail('REGISTRY_INVALID_ANSWER', `the token server ${place} answered with status ${status}`)
  const answer = parseJson(body, { what: 'answer of the token server', maxBytes: MOST_BYTES })
  const field = (name: string): unknown => (isJsonObject(answer) ? answer[name] : undefined)
  // "token" is the older name of the same (Token Authentication Specification); some send it empty
  const token = [field('token'), field('access_token')].find((value) => typeof value === 'string' && value !== '')
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw fail('REGISTRY_INVALID_ANSWER', `the token server ${place} gave no token`)
  }
  const refreshToken = field('refresh_token')
  return {
    token,
    renewAt: Date.now() + 800 * lifeOf(field('expires_in')),
    ...(typeof refreshToken === 'string' && refreshToken !== '' ? { refreshToken } : {}),
  }
}

function lifeOf(seconds: unknown): number {
  return typeof seconds === 'number' && seconds > SHORTEST_LIFE ? Math.min(seconds, 86_400) : SHORTEST_LIFE
}

function refused(credentials: Credentials | undefined): Error {
  if (credentials) {
    return fail('REGISTRY_UNAUTHORIZED', 'unauthorized: incorrect username or password', {
      hint: 'log in again: "slipway login REGISTRY".',
    })
  }
  return fail('REGISTRY_UNAUTHORIZED', 'unauthorized: authentication required', {
    hint: 'log in first: "slipway login REGISTRY".',
  })
}
