import { digestOf, fail, hasCode, type Job, OnceAtATime } from '../../core/index.ts'
import type { Credentials } from '../settings.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { mergeScopes } from './scope.ts'
import { type AskTokenServer, basic, fetchToken, type Token } from './token.ts'

/** Who asks, and what a token server is asked through. */
export interface AuthorizerOptions {
  /** Looked up once, when the server wants to know. */
  credentials(): Promise<Credentials | undefined>
  readonly ask: AskTokenServer
  /** Also asks for a refresh token: for login. */
  readonly offline?: boolean
}

const MOST_TOKENS = 1000
const tokens = new Map<string, Token>()
const underWay = new OnceAtATime<string, Token>()

/** Answers the challenges of one server. Tokens are shared by all of this process, by realm, service, scopes and user. */
export class Authorizer {
  readonly #options: AuthorizerOptions
  #credentials: Promise<Credentials | undefined> | undefined
  #challenge: Challenge | undefined
  /** The refresh token that came with the last token. */
  refreshToken: string | undefined

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** The header for a request with these scopes; none before the server's first challenge. */
  async authorization(scopes: readonly string[], registry: URL, job: Job): Promise<string | undefined> {
    const challenge = this.#challenge
    if (!challenge) return undefined
    const credentials = await this.#who()
    if (credentials?.kind === 'registry-token') return `Bearer ${credentials.token}`
    if (challenge.scheme === 'basic') return basicOf(credentials)
    return `Bearer ${await this.#token(challenge, scopes, registry, job)}`
  }

  /**
   * Reads the challenge of a 401. `used` is the header that was refused, if one was sent: what was cached for it is
   * forgotten. Returns whether it makes sense to ask again, which is so once.
   */
  learn(header: string | readonly string[] | undefined, used: string | undefined): boolean {
    const offered = parseChallenges(header)
    const challenge =
      offered.find(({ scheme }) => scheme === 'bearer') ?? offered.find(({ scheme }) => scheme === 'basic')
    if (!challenge) return false
    this.#challenge = challenge
    for (const [key, { token }] of tokens) if (used === `Bearer ${token}`) tokens.delete(key)
    return used === undefined || challenge.scheme === 'bearer'
  }

  async #token(challenge: Challenge, scopes: readonly string[], registry: URL, job: Job): Promise<string> {
    const credentials = await this.#who()
    const realm = realmOf(challenge, registry)
    const service = challenge.parameters.get('service')
    const wanted = mergeScopes([...(challenge.parameters.get('scope') ?? '').split(' '), ...scopes])
    const key = JSON.stringify([realm.href, service, wanted, identityOf(credentials), this.#options.offline])
    const known = tokens.get(key)
    if (known && known.renewAt > Date.now()) return known.token
    const request = { realm, service, scopes: wanted, credentials, offline: this.#options.offline === true }
    const token = await this.#shared(key, () => fetchToken(request, this.#options.ask, job), job)
    keep(key, token)
    this.refreshToken = token.refreshToken
    return token.token
  }

  /** Whoever waits for another's request asks itself when that one is canceled. */
  async #shared(key: string, fetch: () => Promise<Token>, job: Job): Promise<Token> {
    for (;;) {
      try {
        return await underWay.get(key, fetch)
      } catch (error) {
        if (!hasCode(error, 'CANCELED') || job.signal?.aborted) throw error
      }
    }
  }

  #who(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials()
    return this.#credentials
  }
}

function basicOf(credentials: Credentials | undefined): string {
  if (credentials?.kind === 'password') return basic(credentials.username, credentials.password)
  throw fail('REGISTRY_UNAUTHORIZED', 'no basic auth credentials', { hint: 'log in first: "slipway login REGISTRY".' })
}

/** Where tokens are: an address of http or https, and not of http when the registry itself is asked by https. */
function realmOf({ parameters }: Challenge, registry: URL): URL {
  const text = parameters.get('realm') ?? ''
  if (!URL.canParse(text, registry.href))
    throw bad(`no address of a token server: ${JSON.stringify(text.slice(0, 200))}`)
  const realm = new URL(text, registry)
  realm.hash = ''
  realm.username = ''
  realm.password = ''
  if (!/^https?:$/.test(realm.protocol)) throw bad(`a token server with a ${realm.protocol} address`)
  if (registry.protocol === 'https:' && realm.protocol === 'http:') {
    throw bad(`a token server without TLS (${realm.origin}), which gets no password of ours`)
  }
  return realm
}

function bad(what: string): Error {
  return fail('REGISTRY_INVALID_ANSWER', `the registry names ${what}`)
}

/** Tells users and their secrets apart without keeping these. */
function identityOf(credentials: Credentials | undefined): string {
  return credentials ? digestOf(JSON.stringify(credentials)) : ''
}

function keep(key: string, token: Token): void {
  tokens.delete(key)
  tokens.set(key, token)
  if (tokens.size > MOST_TOKENS) tokens.delete(tokens.keys().next().value!)
}
