import { fail, hasCode, type Job } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { About } from './answer-error.ts'
import { repositoryScope } from './auth/scope.ts'
import type { Connection, Question } from './connection.ts'
import { locate } from './http/location.ts'
import { headerOf } from './http/redirect.ts'
import type { Reply } from './http/reply.ts'
import type { Trouble } from './http/retry.ts'
import type { Route } from './route.ts'

const OCTETS = { 'content-type': 'application/octet-stream' }

/** An upload that a registry has open for one blob. */
export class UploadSession {
  readonly server: Connection
  readonly #scopes: readonly string[]
  readonly #about: About
  /** Where the next request goes; it may be another address after each. */
  location: URL

  constructor(server: Connection, route: Route, location: URL) {
    this.server = server
    this.#scopes = route.scopes(server, 'pull', 'push')
    this.#about = uploadAbout(route)
    this.location = location
  }

  /** Sends bytes behind `offset`; they are `length` bytes. Returns how many bytes the registry has then, as far as it says. */
  async send(
    bytes: NonNullable<Question['body']>,
    { offset, length }: { offset: number; length: number },
    job: Job,
  ): Promise<{ has: number } | { trouble: Trouble }> {
    const range = offset === 0 ? {} : { 'content-range': `${offset}-${offset + length - 1}` }
    const outcome = await this.server.attempt(
      {
        ...this.#question('PATCH', this.location, [202, 201, 204]),
        headers: { ...OCTETS, ...range, 'content-length': String(length) },
        body: bytes,
        pace: 'uploads',
        leisure: leisureFor(length),
      },
      job,
    )
    if ('trouble' in outcome) return outcome
    this.#moved(outcome.reply)
    return { has: offsetOf(outcome.reply) ?? offset + length }
  }

  /** Closes the upload, of which the registry has all. */
  async finish(descriptor: Descriptor, job: Job): Promise<void> {
    checkDigestHeader(await this.server.ask(this.#closing(descriptor, Buffer.alloc(0)), job), descriptor.digest)
  }

  /** Sends the whole content and closes the upload. Returns what went wrong; then nobody knows what the registry took. */
  async finishWith(content: Uint8Array, descriptor: Descriptor, job: Job): Promise<Trouble | undefined> {
    const outcome = await this.server.attempt(this.#closing(descriptor, content), job)
    if ('trouble' in outcome) return outcome.trouble
    checkDigestHeader(outcome.reply, descriptor.digest)
    return undefined
  }

  #closing({ digest, size }: Descriptor, body: Uint8Array): Question {
    const to = new URL(this.location)
    to.search += `${to.search ? '&' : ''}digest=${encodeURIComponent(digest)}`
    const question = this.#question('PUT', to, [201, 200, 202, 204])
    const headers = { ...OCTETS, 'content-length': String(body.length) }
    return { ...question, headers, pace: 'uploads', leisure: leisureFor(size), body }
  }

  /** How many bytes the registry has; `undefined` when it has forgotten the upload. */
  async ask(job: Job): Promise<number | undefined> {
    try {
      const reply = await this.server.ask(this.#question('GET', this.location, [204, 200, 202]), job)
      this.#moved(reply)
      return offsetOf(reply) ?? 0
    } catch (error) {
      if (isForgotten(error)) return undefined
      throw error
    }
  }

  /** Lets the registry forget what it has; never fails. */
  async cancel(): Promise<void> {
    const job = { progress: () => {}, signal: AbortSignal.timeout(5_000) }
    await this.server.attempt(this.#question('DELETE', this.location, [204, 202, 200, 404]), job).catch(() => {})
  }

  #question(method: Question['method'], to: URL, expects: readonly number[]): Question {
    return { method, to, scopes: this.#scopes, about: this.#about, expects }
  }

  #moved(reply: Reply): void {
    const location = headerOf(reply, 'location')
    if (location !== undefined) this.location = locate(location, reply.url)
  }
}

/** Registries hash and move a blob before they answer, in stores that may be slow: a minute more for each 128 MiB, up to ten. */
function leisureFor(size: number): number {
  return Math.min(10, 1 + size / (128 << 20))
}

/** What an opened upload came to: the blob is there already, or this is where it goes. */
export type Opened = 'done' | UploadSession

/**
 * Opens an upload. The registry may take the blob from another repository of its own: from `mountFrom` if that is given,
 * else from wherever it knows (distribution spec, "Mounting a blob from another repository"). A small blob's `content` may go along.
 */
export async function openUpload(
  server: Connection,
  route: Route,
  descriptor: Descriptor,
  with_: { mountFrom?: string | undefined; content?: Uint8Array | undefined },
  job: Job,
): Promise<Opened> {
  const { digest } = descriptor
  const { mountFrom, content } = with_
  const scopes = route.scopes(server, 'pull', 'push')
  const question = {
    method: 'POST',
    to: `/${server.endpoint.repository}/blobs/uploads/`,
    scopes,
    about: uploadAbout(route),
    expects: [201, 202],
    headers: { 'content-length': '0' },
  } as const
  if (content) {
    const headers = { ...OCTETS, 'content-length': String(content.length) }
    const reply = await tolerant(server, { ...question, query: [['digest', digest]], headers, body: content }, job)
    server.host.takesSinglePost = reply?.status === 201
    if (reply) return openedBy(reply, server, route, descriptor)
  }
  const query: [string, string][] = [['mount', digest]]
  if (mountFrom !== undefined) query.push(['from', mountFrom])
  const more = mountFrom === undefined ? [] : [repositoryScope(mountFrom, ['pull'])]
  const mounted = await tolerant(server, { ...question, query, scopes: [...scopes, ...more] }, job)
  return openedBy(mounted ?? (await server.ask(question, job)), server, route, descriptor)
}

/** Asks for something that a registry need not know; then there is no reply. */
async function tolerant(server: Connection, question: Question, job: Job): Promise<Reply | undefined> {
  try {
    return await server.ask(question, job)
  } catch (error) {
    const isRefused = hasCode(
      error,
      'REGISTRY_INVALID_ANSWER',
      'REGISTRY_UNSUPPORTED',
      'REGISTRY_DENIED',
      'REGISTRY_UNAUTHORIZED',
      'BLOB_NOT_FOUND',
      'CONTENT_MISMATCH',
    )
    if (!isRefused || typeof error.data['status'] !== 'number') throw error
    return undefined
  }
}

function openedBy(reply: Reply, server: Connection, route: Route, { digest }: Descriptor): Opened {
  if (reply.status === 201) {
    checkDigestHeader(reply, digest)
    return 'done'
  }
  const location = headerOf(reply, 'location')
  if (location === undefined) {
    throw fail('REGISTRY_INVALID_ANSWER', `${route.familiar()}: the registry opened an upload and did not say where`)
  }
  return new UploadSession(server, route, locate(location, reply.url))
}

/** Whether an error says that the registry knows nothing of the upload. */
export function isForgotten(error: unknown): boolean {
  if (!hasCode(error, 'REGISTRY_INVALID_ANSWER', 'BLOB_NOT_FOUND', 'IMAGE_NOT_FOUND')) return false
  return error.data['status'] === 404 || error.data['status'] === 410
}

function uploadAbout(route: Route): About {
  return route.about('upload', route.familiar(), true)
}

/** The registry names what it stored; another digest would be another blob. */
function checkDigestHeader(reply: Reply, digest: string): void {
  const stored = headerOf(reply, 'docker-content-digest')
  if (stored !== undefined && stored !== digest) {
    throw fail('CONTENT_MISMATCH', `the registry stored ${stored.slice(0, 200)} in place of ${digest}`)
  }
}

/** What comes behind the last byte of `Range: 0-<last>`. With no byte that is `0-0` too, as if it were one: `0-0` is nothing. */
function offsetOf(reply: Reply): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(headerOf(reply, 'range')?.trim() ?? '')
  if (!match) return undefined
  return match[1] === '0' ? 0 : Number(match[1]) + 1
}
