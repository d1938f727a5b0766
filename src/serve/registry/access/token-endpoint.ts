import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failureBody, type ProtocolFailure, refuse } from '../failure.ts'
import type { Authenticated, Authentication, Authenticator } from './authenticate.ts'
import { slowedFailure } from './authorize.ts'
import { grant } from './grant.ts'
import { subjectOf } from './identity.ts'
import type { Policy } from './rules.ts'
import { formatScope, parseScopes } from './scope.ts'
import type { TokenSubject, Tokens } from './tokens.ts'

/** Where tokens are to be had, below the origin of the registry. */
export const TOKEN_PATH = '/token'

/** What tokens are made from. */
export interface TokenEndpointOptions {
  readonly authenticator: Authenticator
  readonly tokens: Tokens
  readonly policy: Policy
}

const MAX_FORM = 32 * 1024
const FORM = 'application/x-www-form-urlencoded'

/**
 * The routes of the token endpoint: `GET /token` with Basic credentials or none, and the OAuth2 form `POST /token` with
 * `grant_type=password` or `refresh_token`.
 */
export function tokenEndpoint(options: TokenEndpointOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    // A scope of its own: the parser of forms is for this route only.
    await app.register(async (scope) => {
      scope.removeContentTypeParser(FORM)
      scope.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM }, (_request, body, done) =>
        done(null, body),
      )
      scope.get(TOKEN_PATH, (request, reply) => answerGet(request, reply, options))
      scope.post(TOKEN_PATH, (request, reply) => answerPost(request, reply, options))
    })
  }
}

async function answerGet(
  request: FastifyRequest,
  reply: FastifyReply,
  options: TokenEndpointOptions,
): Promise<FastifyReply> {
  const query = new URLSearchParams(request.raw.url?.split('?', 2)[1] ?? '')
  const found = await options.authenticator.authenticate(request.raw)
  if ('problem' in found) return refused(reply, found)
  // A token that was limited is no way to get another one.
  if (found.granted) return refused(reply, { problem: 'invalid-credentials' })
  const { token, granted } = await issue(found, query.getAll('scope'), options)
  const refresh = query.get('offline_token') === 'true' ? await refreshToken(found, options) : undefined
  return answer(reply, {
    token,
    access_token: token,
    scope: granted,
    expires_in: options.tokens.lifetime,
    issued_at: new Date().toISOString(),
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
  })
}

async function answerPost(
  request: FastifyRequest,
  reply: FastifyReply,
  options: TokenEndpointOptions,
): Promise<FastifyReply> {
  const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
  const found = await byForm(request, form, options)
  if (found === undefined) return wrong(reply, 'unsupported_grant_type', 'grant_type is password or refresh_token')
  if ('problem' in found) return refused(reply, found)
  const { token, granted } = await issue(found, form.getAll('scope'), options)
  const isOffline = form.get('access_type') === 'offline'
  const refresh = form.get('refresh_token') ?? (isOffline ? await refreshToken(found, options) : undefined)
  return answer(reply, {
    access_token: token,
    token_type: 'Bearer',
    scope: granted,
    expires_in: options.tokens.lifetime,
    issued_at: new Date().toISOString(),
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
  })
}

async function byForm(
  request: FastifyRequest,
  form: URLSearchParams,
  { authenticator }: TokenEndpointOptions,
): Promise<Authentication | undefined> {
  const kind = form.get('grant_type')
  if (kind === 'password') {
    return authenticator.password(request.raw, form.get('username') ?? '', form.get('password') ?? '')
  }
  return kind === 'refresh_token' ? authenticator.refresh(form.get('refresh_token') ?? '') : undefined
}

async function issue(
  found: Authenticated,
  scopes: readonly string[],
  { policy, tokens }: TokenEndpointOptions,
): Promise<{ token: string; granted: string }> {
  const access = grant(policy, found.identity, parseScopes(scopes))
  const token = await tokens.issue(tokenSubject(found), access)
  return { token, granted: access.map(formatScope).join(' ') }
}

/** Only for passwords, which clients forget for it; a robot's secret can be taken back by itself. */
async function refreshToken(found: Authenticated, { tokens }: TokenEndpointOptions): Promise<string | undefined> {
  return found.via === 'password' ? tokens.issueRefresh(tokenSubject(found)) : undefined
}

function tokenSubject({ identity, via = 'anonymous', mark }: Authenticated): TokenSubject {
  return { subject: subjectOf(identity), via, mark }
}

function answer(reply: FastifyReply, body: object, status = 200): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').type('application/json').send(JSON.stringify(body))
}

function wrong(reply: FastifyReply, error: string, message: string): FastifyReply {
  const failure = refuse('UNSUPPORTED', message, { status: 400 })
  return answer(reply, { error, ...JSON.parse(failureBody(failure)) }, failure.status)
}

function refused(reply: FastifyReply, found: Exclude<Authentication, Authenticated>): FastifyReply {
  const failure = failureOf(found)
  return answer(reply.headers(failure.headers), JSON.parse(failureBody(failure)), failure.status)
}

function failureOf(found: Exclude<Authentication, Authenticated>): ProtocolFailure {
  if (found.problem === 'slow-down') return slowedFailure(found.retryAfter)
  const message =
    found.problem === 'invalid-certificate' ? 'the certificate is not accepted' : 'incorrect username or password'
  return refuse('UNAUTHORIZED', message, { headers: { 'WWW-Authenticate': 'Basic realm="slipway registry"' } })
}
