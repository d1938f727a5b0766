import { digestOf, fail, hasCode, type Job, OnceAtATime, type SlipwayError } from '../../core/index.ts'
import type { Credentials } from '../settings.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { haveOneOwner, realmOf } from './realm.ts'
import { mergeScopes } from './scope.ts'
import { type AskTokenServer, basic, fetchToken, type Token } from './token.ts'

/** Who asks, and what a token server is asked through. */
export interface AuthorizerOptions {
  /** Looked up once, when the server wants to know. */
  credentials(): Promise<Credentials | undefined>
  readonly ask: AskTokenServer
  /** The host whose credentials these are, where it is not the one that is asked. */
  readonly owner?: string
  /** Without credentials it goes on when these cannot be had: what is public needs none. */
  readonly isOptional?: boolean
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
  /** The host of a token server that is somebody else's, and so was not told who we are. */
  withheldFrom: string | undefined
  /** Why credentials could not be had, where it went on without. */
  helperFailure: SlipwayError | undefined

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** The header for a request with these scopes; none before the server's first challenge. */
  async authorization(scopes: readonly string[], registry: URL, job: Job): Promise<string | undefined> {
    const challenge = this.#challenge
    if (!challenge) return undefined
    const credentials = await this.#who(job)
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
    const realm = realmOf(challenge, registry)
    const credentials = await this.#shownTo(realm, registry, job)
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

  /** A registry may name any token server; the credentials are for its owner alone, and for whom the user says. */
  async #shownTo(realm: URL, registry: URL, job: Job): Promise<Credentials | undefined> {
    const credentials = await this.#who(job)
    const { owner = registry.hostname } = this.#options
    const known = [registry.hostname, owner].some((host) => haveOneOwner(host, realm.hostname))
    const isShown = known || (credentials?.kind !== 'registry-token' && credentials?.tokenServer === realm.host)
    this.withheldFrom = credentials && !isShown ? realm.host : undefined
    return isShown ? credentials : undefined
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

  #who(job: Job): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials().catch((error: unknown) => this.#without(error, job))
    return this.#credentials
  }

  /** Docker pulls without saying anything when a helper fails; pushes and logins fail. */
  #without(error: unknown, { progress }: Job): undefined {
    if (!this.#options.isOptional || !hasCode(error, 'CREDENTIAL_HELPER_FAILED')) throw error
    this.helperFailure = error
    progress({ type: 'warning', code: error.code, message: `${error.message}; going on without credentials` })
  }
}

function basicOf(credentials: Credentials | undefined): string {
  if (credentials?.kind === 'password') return basic(credentials.username, credentials.password)
  throw fail('REGISTRY_UNAUTHORIZED', 'authorization failed: no basic auth credentials', {
    hint: 'log in first: "slipway login REGISTRY".',
  })
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
