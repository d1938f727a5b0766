import { fail, hasCode, type Job, type SlipwayError } from '../core/index.ts'
import { type About, accessDenied, answerError, loginMissing, loginWithheld } from './answer-error.ts'
import { askTokenServer } from './auth/ask-token-server.ts'
import { Authorizer } from './auth/authorizer.ts'
import { hostnameOf } from './config/domain.ts'
import { type Host, hostOf } from './host.ts'
import type { ConnectionSettings } from './http/dispatcher.ts'
import { ConnectionFailure, shown } from './http/failure.ts'
import type { Patience } from './http/patience.ts'
import { follow, headerOf } from './http/redirect.ts'
import { type Reply, readReply } from './http/reply.ts'
import { persist, type Trouble, troubleOfAnswer, troubleOfFailure } from './http/retry.ts'
import type { Answer, Outgoing } from './http/send.ts'
import { showWarnings } from './http/warnings.ts'
import type { Credentials, RegistryEndpoint } from './settings.ts'

/** What is asked of a server, and what for. */
export interface Question {
  readonly method: Outgoing['method']
  /** What stands behind the endpoint's `/v2`: `/library/busybox/tags/list`; or a whole address that the server gave. */
  readonly to: string | URL
  readonly query?: readonly (readonly [string, string])[]
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Outgoing['body']
  /** What a token must allow. */
  readonly scopes: readonly string[]
  readonly about: About
  /** Statuses that are answers; all others are errors. */
  readonly expects: readonly number[]
  /** Bytes that the answer may have: 4 MiB when missing. */
  readonly limit?: number
  readonly pace?: 'questions' | 'downloads' | 'uploads'
  /** How many times longer than others the server may be silent: it may have much to do before it answers. */
  readonly leisure?: number
}

/** Where requests of one repository go, and who makes them. */
export interface ConnectionOptions {
  credentials(): Promise<Credentials | undefined>
  readonly patience: Patience
  /** Asks token servers for a refresh token also. */
  readonly offline?: boolean
  /** Goes on without credentials when a helper fails. */
  readonly isPublic?: boolean
  /** It is a server, not the user, that named this one. */
  readonly isStrange?: boolean
}

/** The most bytes of an answer that is read whole: a manifest's. */
export const MOST_BYTES: number = 4 << 20

/** One server, asked for one user: with credentials, redirects, retries and in order. */
export class Connection {
  readonly endpoint: RegistryEndpoint
  readonly patience: Patience
  readonly authorizer: Authorizer
  /** What is known of the server itself. */
  readonly host: Host
  readonly #base: URL
  readonly #settings: ConnectionSettings

  constructor(endpoint: RegistryEndpoint, options: ConnectionOptions) {
    this.endpoint = endpoint
    this.patience = options.patience
    this.#base = new URL(endpoint.url)
    this.host = hostOf(this.#base)
    this.#settings = options.isStrange ? endpoint : { ...endpoint, named: this.#base.hostname }
    this.authorizer = new Authorizer({
      owner: hostnameOf(endpoint.registry),
      isOptional: options.isPublic === true,
      credentials: () => options.credentials(),
      ask: (request, job) => askTokenServer(endpoint, options.patience, request, job),
      offline: options.offline === true,
    })
  }

  /** Asks, and reads the whole answer. Repeats what fails in passing. Fails as `answerError` says, and with `REGISTRY_UNAVAILABLE`. */
  ask(question: Question, job: Job): Promise<Reply> {
    return persist(
      () => this.#once(question, job),
      (reply) => this.#judge(reply, question),
      this.patience,
      job,
    )
  }

  /** Asks once, and reads the whole answer or says what is wrong: for what the asker repeats in its own way. */
  async attempt(question: Question, job: Job): Promise<{ reply: Reply } | { trouble: Trouble }> {
    const outcome = await this.#once(question, job).catch(troubleOfFailure)
    const trouble = 'status' in outcome ? this.#judge(outcome, question) : outcome
    return trouble ? { trouble } : { reply: outcome as Reply }
  }

  /** Asks once, and returns the answer as soon as it begins, or what is wrong. The answer must be read to its end or destroyed. */
  async open(question: Question, job: Job): Promise<{ answer: Answer } | { trouble: Trouble }> {
    const done = await this.host[question.pace ?? 'questions'].turn(job)
    try {
      const answer = await this.#authorized(question, job)
      const isExpected = question.expects.includes(answer.status)
      if (isExpected) this.host[question.pace ?? 'questions'].faster()
      const trouble = isExpected ? undefined : this.#judge(await this.#read(answer, question), question)
      if (trouble) {
        done()
        return { trouble }
      }
      answer.body.once('close', done)
      return { answer }
    } catch (error) {
      done()
      return { trouble: troubleOfFailure(error) }
    }
  }

  async #once(question: Question, job: Job): Promise<Reply> {
    const done = await this.host[question.pace ?? 'questions'].turn(job)
    try {
      return await this.#read(await this.#authorized(question, job), question)
    } finally {
      done()
    }
  }

  #judge(reply: Reply, { expects, about, pace = 'questions' }: Question): Trouble | undefined {
    const { questions, downloads, uploads } = this.host
    if (expects.includes(reply.status)) {
      this.host[pace].faster()
      return undefined
    }
    if (reply.status === 429) for (const slowed of [questions, downloads, uploads]) slowed.slower()
    const trouble = troubleOfAnswer(reply, this.#explained(answerError(reply, about)))
    const elsewhere = this.endpoint.isMirror && reply.status === 429
    return elsewhere ? { ...trouble, isPassing: false } : trouble
  }

  async #authorized(question: Question, job: Job): Promise<Answer> {
    const used = await this.#authorization(question, job)
    const answer = await this.#exchange(question, used, job)
    showWarnings(answer.headers['warning'], this.#base.host, job)
    if (answer.status !== 401 || answer.url.host !== this.#base.host) return answer
    if (!this.authorizer.learn(answer.headers['www-authenticate'], used)) return answer
    // what is read to its end leaves the connection usable
    await readReply(answer, question.method, MOST_BYTES, () => new Error('too long')).catch(() => {})
    return this.#exchange(question, await this.#authorization(question, job), job)
  }

  async #authorization({ scopes, about }: Question, job: Job): Promise<string | undefined> {
    try {
      return await this.authorizer.authorization(scopes, this.address(), job)
    } catch (error) {
      if (!hasCode(error, 'REGISTRY_UNAUTHORIZED', 'REGISTRY_DENIED')) throw error
      throw this.#explained(accessDenied(error.code as 'REGISTRY_DENIED', error.message, about, error.data))
    }
  }

  /** Who is refused because we did not say who he is should know of that. */
  #explained(error: SlipwayError): SlipwayError {
    const { withheldFrom, helperFailure } = this.authorizer
    if (error.code !== 'REGISTRY_UNAUTHORIZED' && error.code !== 'REGISTRY_DENIED') return error
    if (withheldFrom !== undefined) return loginWithheld(error, this.endpoint.registry, withheldFrom)
    return helperFailure ? loginMissing(error, helperFailure) : error
  }

  /** The endpoint's address, with the scheme that the server is known to speak. */
  address(): URL {
    const url = new URL(this.#base)
    if (this.host.scheme === 'http' && this.endpoint.allowsPlainHttp) url.protocol = 'http:'
    return url
  }

  async #exchange(question: Question, authorization: string | undefined, job: Job): Promise<Answer> {
    const url = this.#urlOf(question)
    try {
      const answer = await this.#send(question, url, authorization, job)
      if (url.host === this.#base.host) this.host.scheme = url.protocol === 'https:' ? 'https' : 'http'
      return answer
    } catch (error) {
      if (!this.#mayBePlain(url, error)) throw this.#judged(error)
      const plain = new URL(url)
      plain.protocol = 'http:'
      const answer = await this.#send(question, plain, authorization, job).catch((again: unknown) => {
        // nobody is there at all: that is what the first one says too
        throw this.#judged(again instanceof ConnectionFailure && again.isUnreached ? error : again)
      })
      this.host.scheme = 'http'
      return answer
    }
  }

  /** A server that was never reached is probably not there; one that was may be starting again. */
  #judged(error: unknown): unknown {
    if (error instanceof ConnectionFailure && error.isUnreached && !this.host.scheme) error.isPassing = false
    return error
  }

  #mayBePlain(url: URL, error: unknown): boolean {
    const isUnsure = url.protocol === 'https:' && url.host === this.#base.host && this.host.scheme === undefined
    return isUnsure && this.endpoint.allowsPlainHttp && error instanceof ConnectionFailure && error.isBeforeAnswer
  }

  #urlOf({ to, query = [] }: Question): URL {
    if (to instanceof URL) return to
    const url = this.address()
    url.pathname = `${url.pathname.replace(/\/$/, '')}${to}`
    for (const [name, value] of query) url.searchParams.append(name, value)
    const { namespace } = this.endpoint
    if (namespace !== undefined) url.searchParams.append('ns', namespace)
    return url
  }

  #send(question: Question, url: URL, authorization: string | undefined, job: Job): Promise<Answer> {
    const { method, headers = {}, body, leisure = 1 } = question
    const isOurs = url.host === this.#base.host
    const own = isOurs ? { authorization, others: this.endpoint.headers } : { others: {} }
    const silence = this.patience.silence * leisure
    const outgoing = { method, url, headers, silence, ...(body === undefined ? {} : { body }) }
    return follow(outgoing, own, this.#settings, job)
  }

  #read(answer: Answer, { method, limit = MOST_BYTES }: Question): Promise<Reply> {
    const tooLong = (): Error =>
      fail('REGISTRY_INVALID_ANSWER', `${shown(answer.url)}: the answer has more than ${limit} bytes`)
    return readReply(answer, method, limit, tooLong)
  }
}

/** What kind of content an answer says it is, without parameters, in lower case. */
export function contentType(reply: Pick<Reply, 'headers'>): string {
  return (headerOf(reply, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase()
}
