import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { clientAddress } from './address.ts'
import { ANONYMOUS, type Identity, ROBOT_PREFIX } from './identity.ts'
import type { Passwords } from './passwords.ts'
import type { Robots } from './robots.ts'
import type { AccessEntry } from './scope.ts'
import type { Throttle } from './throttle.ts'
import type { AccessToken, TokenSubject, Tokens, Via } from './tokens.ts'

/** Somebody who has proven who it is, or did not try to. */
export interface Authenticated {
  readonly identity: Identity
  /** How; absent when nothing was shown. */
  readonly via?: Via | undefined
  /** For tokens that are issued on the strength of it. */
  readonly mark?: string | undefined
  /** What a bearer token is limited to; absent for other proofs, which stand for all rights of their owner. */
  readonly granted?: readonly AccessEntry[] | undefined
}

/** Why what was shown proves nothing. */
export interface Unproven {
  readonly problem: 'invalid-credentials' | 'invalid-token' | 'invalid-certificate'
}

/** Too many guesses, or too many at once. */
export interface Slowed {
  readonly problem: 'slow-down'
  /** Seconds. */
  readonly retryAfter: number
}

/** The outcome of looking at a request's credentials. */
export type Authentication = Authenticated | Unproven | Slowed

/** What identities are proven with. */
export interface AuthenticationOptions {
  readonly passwords?: Passwords | undefined
  readonly robots: Robots
  readonly tokens: Tokens
  readonly throttle: Throttle
  readonly groups: ReadonlyMap<string, readonly string[]>
  /** Whether certificates of clients are asked for. */
  readonly acceptsCertificates: boolean
  readonly isProxy: (address: string) => boolean
}

const INVALID_CREDENTIALS: Unproven = { problem: 'invalid-credentials' }
const INVALID_TOKEN: Unproven = { problem: 'invalid-token' }
const INVALID_CERTIFICATE: Unproven = { problem: 'invalid-certificate' }
const NOTHING_SHOWN: Authenticated = { identity: ANONYMOUS }
const MAX_CREDENTIALS = 4096

/** Finds out who makes a request. Answers at once for tokens and passwords that were verified before. */
export class Authenticator {
  readonly #options: AuthenticationOptions

  constructor(options: AuthenticationOptions) {
    this.#options = options
  }

  /** By its `Authorization` header; without one, by the client's certificate. */
  authenticate(request: IncomingMessage): Authentication | Promise<Authentication> {
    const header = request.headers.authorization
    if (header === undefined) return this.#certificate(request)
    const space = header.indexOf(' ')
    const scheme = header.slice(0, Math.max(space, 0)).toLowerCase()
    const value = header.slice(space + 1).trim()
    if (scheme === 'bearer') return this.#bearer(value)
    if (scheme === 'basic') return this.#basic(value, request)
    return INVALID_CREDENTIALS
  }

  /** By a name and a password, or a robot's name and its secret. */
  password(request: IncomingMessage, name: string, password: string): Authentication | Promise<Authentication> {
    if (name === '' || name.length + password.length > MAX_CREDENTIALS) return INVALID_CREDENTIALS
    if (name.startsWith(ROBOT_PREFIX)) return this.#robot(name, password)
    return this.#user(clientAddress(request, this.#options.isProxy), name, password)
  }

  /** By a refresh token. */
  async refresh(token: string): Promise<Authentication> {
    const subject = await this.#options.tokens.verifyRefresh(token)
    return subject ? this.#recall(subject) : INVALID_TOKEN
  }

  #basic(value: string, request: IncomingMessage): Authentication | Promise<Authentication> {
    const text = Buffer.from(value, 'base64').toString()
    const colon = text.indexOf(':')
    if (colon < 0) return INVALID_CREDENTIALS
    return this.password(request, text.slice(0, colon), text.slice(colon + 1))
  }

  #bearer(token: string): Authentication | Promise<Authentication> {
    const known = this.#options.tokens.known(token)
    if (known) return this.#accept(known)
    return this.#options.tokens.verify(token).then((verified) => (verified ? this.#accept(verified) : INVALID_TOKEN))
  }

  #accept(token: AccessToken): Authentication {
    const recalled = this.#recall(token)
    return 'identity' in recalled ? { ...recalled, granted: token.access } : recalled
  }

  /** Whom a token was issued to, as long as that one is still known here and has not changed its secret. */
  #recall({ subject, via, mark }: TokenSubject): Authentication {
    const { passwords, robots, acceptsCertificates } = this.#options
    if (via === 'anonymous') return { identity: ANONYMOUS, via }
    if (via === 'robot') {
      const robot = robots.recall(subject.slice(ROBOT_PREFIX.length), mark)
      return robot ? { identity: { kind: 'robot', name: robot.name, scopes: robot.scopes }, via, mark } : INVALID_TOKEN
    }
    const isKnown =
      via === 'certificate' ? acceptsCertificates : mark !== undefined && passwords?.mark(subject) === mark
    return isKnown ? { identity: this.#userNamed(subject), via, mark } : INVALID_TOKEN
  }

  /** Wrong secrets are not counted: 256 random bits are not guessed, and a job with an old one must not lock others out. */
  #robot(name: string, secret: string): Authentication {
    const known = this.#options.robots.prove(name.slice(ROBOT_PREFIX.length), secret)
    if (!known) return INVALID_CREDENTIALS
    const { robot, mark } = known
    return { identity: { kind: 'robot', name: robot.name, scopes: robot.scopes }, via: 'robot', mark }
  }

  #user(address: string, name: string, password: string): Authentication | Promise<Authentication> {
    const { passwords } = this.#options
    if (!passwords) return INVALID_CREDENTIALS
    const judged = passwords.judged(name, password)
    if (judged === true) return this.#proven(name)
    if (judged === undefined) return this.#judge(passwords, { address, name, password })
    if (judged === false) return this.#slowed(address, name) ?? INVALID_CREDENTIALS
    return judged.then((isRight) => (isRight ? this.#proven(name) : INVALID_CREDENTIALS))
  }

  async #judge(
    passwords: Passwords,
    { address, name, password }: { address: string; name: string; password: string },
  ): Promise<Authentication> {
    const { throttle } = this.#options
    const slowed = this.#slowed(address, name)
    if (slowed) return slowed
    if (passwords.isBusy) return { problem: 'slow-down', retryAfter: 1 }
    // Counted before it is judged, so that guesses made at the same time count, too.
    throttle.tried(name)
    if (await passwords.judge(name, password)) {
      throttle.succeeded(address, name)
      return this.#proven(name)
    }
    throttle.failed(address)
    return INVALID_CREDENTIALS
  }

  #slowed(address: string, name: string): Slowed | undefined {
    const retryAfter = this.#options.throttle.wait(address, name)
    return retryAfter > 0 ? { problem: 'slow-down', retryAfter } : undefined
  }

  #proven(name: string): Authentication {
    const mark = this.#options.passwords?.mark(name)
    // The user was taken out of the file while the password was compared.
    if (mark === undefined) return INVALID_CREDENTIALS
    return { identity: this.#userNamed(name), via: 'password', mark }
  }

  #certificate({ socket }: IncomingMessage): Authentication {
    if (!this.#options.acceptsCertificates || !('authorized' in socket)) return NOTHING_SHOWN
    const tls = socket as TLSSocket
    const certificate = tls.getPeerCertificate()
    if (Object.keys(certificate).length === 0) return NOTHING_SHOWN
    const name: unknown = certificate.subject?.CN
    // A subject may have several common names, and then it is not clear who that is.
    const isName =
      typeof name === 'string' && name !== '' && !name.startsWith(ROBOT_PREFIX) && !/[\x00-\x1f\x7f]/.test(name)
    if (!tls.authorized || !isName) return INVALID_CERTIFICATE
    return { identity: this.#userNamed(name), via: 'certificate' }
  }

  #userNamed(name: string): Identity {
    return { kind: 'user', name, groups: this.#options.groups.get(name) ?? [] }
  }
}
