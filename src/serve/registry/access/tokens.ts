import { type KeyObject, randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import * as v from 'valibot'
import type { SigningKeys } from './keys.ts'
import type { AccessEntry } from './scope.ts'

/** How somebody who got a token had proven who it is. */
export type Via = 'anonymous' | 'password' | 'robot' | 'certificate'

/** Whom a token is for. */
export interface TokenSubject {
  /** The user's name, `robot.NAME`, or empty for anonymous. */
  readonly subject: string
  readonly via: Via
  /** Of the password or secret it was proven with; another one makes the token void. */
  readonly mark?: string | undefined
}

/** What a bearer token says, its signature and times verified. */
export interface AccessToken extends TokenSubject {
  readonly access: readonly AccessEntry[]
  /** Unix seconds. */
  readonly expires: number
}

/** What is signed, for whom, and for how long. */
export interface TokenOptions {
  readonly keys: SigningKeys
  /** Name of this registry in tokens (`aud`); one registry's tokens are of no use to another. */
  readonly service: string
  /** Seconds that an access token is good for. */
  readonly lifetime: number
  /** The clock, in milliseconds. */
  readonly now?: () => number
}

const accessSchema = v.array(v.object({ type: v.string(), name: v.string(), actions: v.array(v.string()) }))
const ISSUER = 'slipway'
const VIAS: readonly Via[] = ['anonymous', 'password', 'robot', 'certificate']
/** Seconds by which clocks may differ. */
const SKEW = 30
const REFRESH_LIFETIME = 90 * 24 * 3600
const ACCESS_TYPE = 'JWT'
const REFRESH_TYPE = 'slipway-refresh+jwt'
const MAX_LENGTH = 12 * 1024
const MAX_REMEMBERED = 2000

/**
 * Access tokens (JWT, ES256) and refresh tokens of one registry. The two have different types and audiences: none
 * passes for the other. Verified access tokens are remembered until they expire.
 */
export class Tokens {
  readonly #options: TokenOptions
  readonly #now: () => number
  readonly #verified = new Map<string, AccessToken>()

  constructor(options: TokenOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Seconds that an access token is good for. */
  get lifetime(): number {
    return this.#options.lifetime
  }

  issue(subject: TokenSubject, access: readonly AccessEntry[]): Promise<string> {
    return this.#sign(ACCESS_TYPE, this.#options.service, this.lifetime, subject, { access })
  }

  issueRefresh(subject: TokenSubject): Promise<string> {
    return this.#sign(REFRESH_TYPE, this.#refreshAudience, REFRESH_LIFETIME, subject, {})
  }

  /** An access token that was verified before. */
  known(token: string): AccessToken | undefined {
    const found = this.#verified.get(token)
    if (!found || found.expires > this.#now() / 1000) return found
    this.#verified.delete(token)
    return undefined
  }

  /** What an access token says; `undefined` for anything that is not a valid one of this registry. */
  async verify(token: string): Promise<AccessToken | undefined> {
    const known = this.known(token)
    if (known) return known
    const claims = await this.#claims(token, ACCESS_TYPE, this.#options.service, this.lifetime)
    const subject = claims && subjectOf(claims)
    const access = claims && accessOf(claims['access'])
    if (!subject || !access) return undefined
    const verified = { ...subject, access, expires: claims.exp! }
    this.#verified.set(token, verified)
    if (this.#verified.size > MAX_REMEMBERED) this.#verified.delete(this.#verified.keys().next().value!)
    return verified
  }

  /** Whom a refresh token is for; `undefined` for anything that is not a valid one of this registry. */
  async verifyRefresh(token: string): Promise<TokenSubject | undefined> {
    const claims = await this.#claims(token, REFRESH_TYPE, this.#refreshAudience, REFRESH_LIFETIME)
    return claims && subjectOf(claims)
  }

  get #refreshAudience(): string {
    return `${this.#options.service}#refresh`
  }

  async #sign(
    typ: string,
    audience: string,
    lifetime: number,
    { subject, via, mark }: TokenSubject,
    claims: object,
  ): Promise<string> {
    const { SignJWT } = await import('jose')
    const { kid, privateKey } = this.#options.keys.current
    const now = Math.floor(this.#now() / 1000)
    return new SignJWT({ ...claims, via, ...(mark === undefined ? {} : { mark }) })
      .setProtectedHeader({ alg: 'ES256', typ, kid })
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + lifetime)
      .setJti(randomUUID())
      .sign(privateKey)
  }

  async #claims(token: string, typ: string, audience: string, lifetime: number): Promise<JWTPayload | undefined> {
    if (token.length > MAX_LENGTH) return undefined
    const { errors, jwtVerify } = await import('jose')
    // Only keys of ours verify, whatever key a header brings along (`jwk`, `x5c`, `jku`).
    const keyOf = ({ kid }: { kid?: string }): KeyObject => {
      const key = kid === undefined ? undefined : this.#options.keys.find(kid)
      if (!key) throw new errors.JWKSNoMatchingKey()
      return key.publicKey
    }
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms: ['ES256'],
        typ,
        issuer: ISSUER,
        audience,
        clockTolerance: SKEW,
        maxTokenAge: lifetime,
        currentDate: new Date(this.#now()),
        requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}

function subjectOf({ sub, via, mark }: JWTPayload): TokenSubject | undefined {
  const known = VIAS.find((name) => name === via)
  if (known === undefined || sub === undefined) return undefined
  return { subject: sub, via: known, mark: typeof mark === 'string' ? mark : undefined }
}

function accessOf(claim: unknown): AccessEntry[] | undefined {
  return v.is(accessSchema, claim) ? claim : undefined
}
