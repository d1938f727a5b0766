import { checkCanceled, collectBytes, fail, hasCode, type Job, verified } from '../core/index.ts'
import type { Body, Descriptor } from '../oci/index.ts'
import { hasBlob } from './blobs.ts'
import type { Connection } from './connection.ts'
import { locate } from './http/location.ts'
import { overcome, type Trouble } from './http/retry.ts'
import type { Route } from './route.ts'
import { UploadBody } from './upload-body.ts'
import { isForgotten, openUpload, UploadSession } from './upload-session.ts'
import type { UploadJournal } from './uploads.ts'

/** What helps an upload. */
export interface UploadOptions {
  /** A repository of the same registry that may have the blob. */
  readonly mountFrom?: string | undefined
  readonly journal?: UploadJournal | undefined
}

/** A blob up to this size is sent at once and, if that fails, whole again. */
const SMALL = 1 << 20
/** A blob up to this size goes along with the first request: twice, should the registry not take it so. */
const TINY = 64 << 10
/** Breaks of one upload that are overcome at most. */
const MOST_BREAKS = 30

/** Brings a blob into a repository that has it not yet. Fails with `CONTENT_MISMATCH`, and as `Connection.ask`. */
export async function uploadBlob(
  server: Connection,
  route: Route,
  descriptor: Descriptor,
  body: Body,
  options: UploadOptions,
  job: Job,
): Promise<void> {
  const upload = new Upload(server, route, descriptor, options)
  if (descriptor.size <= SMALL) await upload.atOnce(() => collectBytes(verified(body, descriptor), SMALL, tooLong), job)
  else await upload.inParts(new UploadBody(descriptor, body), job)
}

function tooLong(): Error {
  return fail('CONTENT_MISMATCH', 'content is longer than declared')
}

class Upload {
  readonly #server: Connection
  readonly #route: Route
  readonly #descriptor: Descriptor
  readonly #options: UploadOptions
  readonly #repository: string

  constructor(server: Connection, route: Route, descriptor: Descriptor, options: UploadOptions) {
    this.#server = server
    this.#route = route
    this.#descriptor = descriptor
    this.#options = options
    this.#repository = `${route.name.domain}/${route.name.path}`
  }

  /** The content is not read when the registry has it elsewhere. */
  async atOnce(read: () => Promise<Buffer>, job: Job): Promise<void> {
    const { mountFrom } = this.#options
    const mayGoAlong = this.#descriptor.size <= TINY && mountFrom === undefined
    let content: Buffer | undefined
    const whole = async (): Promise<Buffer> => (content ??= await read())
    for (let attempt = 1; ; attempt++) {
      const along = mayGoAlong && this.#server.host.takesSinglePost !== false ? await whole() : undefined
      const session = await openUpload(this.#server, this.#route, this.#descriptor, { mountFrom, content: along }, job)
      if (session === 'done') return
      const isThere = await this.#closeWith(whole, { session, attempt }, job)
      if (isThere) return
    }
  }

  /** Whether the registry has the content then. If not, the next try is an upload of its own: this one may have a part. */
  async #closeWith(
    whole: () => Promise<Buffer>,
    { session, attempt }: { session: UploadSession; attempt: number },
    job: Job,
  ): Promise<boolean> {
    try {
      const trouble = await session.finishWith(await whole(), this.#descriptor, job)
      if (!trouble) return true
      await overcome(passing(trouble, attempt), attempt, this.#server.patience, job)
      await session.cancel()
      return false
    } catch (error) {
      await session.cancel()
      await this.#unlessThere(error, job)
      return true
    }
  }

  /** One stream of bytes; where the line breaks, it goes on with what the registry has not got. */
  async inParts(body: UploadBody, job: Job): Promise<void> {
    const found = body.isResumable ? await this.#unfinished(job) : undefined
    const session = found?.session ?? (await this.#open(job))
    if (session === 'done') return
    if (!found) this.#note(body, session, 0)
    const open: OpenUpload = { session, offset: found?.offset ?? 0 }
    try {
      await this.#sendAll(open, body, job)
      if (open.session !== 'done') await open.session.finish(this.#descriptor, job)
    } catch (error) {
      await this.#abandon(open, body, error)
      // what an earlier process left may be other bytes than it should be; it is forgotten now
      const isLeftover = found !== undefined && hasCode(error, 'CONTENT_MISMATCH') && body.failure === undefined
      if (isLeftover) return this.inParts(body, job)
      await this.#unlessThere(error, job)
    }
    this.#options.journal?.forget(this.#repository, this.#descriptor.digest)
  }

  async #sendAll(open: OpenUpload, body: UploadBody, job: Job): Promise<void> {
    const { size } = this.#descriptor
    const { patience } = this.#server
    for (let attempt = 1, breaks = 1; open.offset < size && open.session !== 'done'; attempt++, breaks++) {
      const { session, offset } = open
      const outcome = await session
        .send(() => body.read(offset), { offset, length: size - offset }, job)
        .catch((error: unknown) => {
          checkCanceled(job)
          throw body.failure ?? error
        })
      checkCanceled(job)
      if (body.failure !== undefined) throw body.failure
      if ('has' in outcome) {
        open.offset = outcome.has
      } else {
        await overcome(passing(outcome.trouble, breaks), attempt, patience, job)
        await this.#reopen(open, job)
      }
      if (open.offset > offset) attempt = 0
      this.#note(body, open.session, open.offset)
      if (open.offset < size && !body.canStart(open.offset)) throw troubleError(outcome, this.#route)
    }
  }

  /** Asks where to go on; when the registry has forgotten the upload, at the beginning of a new one. */
  async #reopen(open: OpenUpload, job: Job): Promise<void> {
    const has = open.session === 'done' ? 0 : await open.session.ask(job)
    if (has !== undefined) {
      open.offset = has
      return
    }
    open.session = await this.#open(job)
    open.offset = 0
  }

  #open(job: Job): Promise<UploadSession | 'done'> {
    return openUpload(this.#server, this.#route, this.#descriptor, { mountFrom: this.#options.mountFrom }, job)
  }

  /** The upload that an earlier process began, as far as the registry still knows it. */
  async #unfinished(job: Job): Promise<{ session: UploadSession; offset: number } | undefined> {
    const { digest, size } = this.#descriptor
    const known = this.#options.journal?.find(this.#repository, digest)
    if (!known || !URL.canParse(known.location)) return undefined
    const session = new UploadSession(this.#server, this.#route, locate(known.location, this.#server.address()))
    const offset = await session.ask(job).catch((error: unknown) => {
      checkCanceled(job)
      if (hasCode(error, 'REGISTRY_INVALID_ANSWER', 'REGISTRY_UNSUPPORTED')) return undefined
      throw error
    })
    if (offset !== undefined && offset <= size) return { session, offset }
    this.#options.journal?.forget(this.#repository, digest)
    return undefined
  }

  #note(body: UploadBody, session: UploadSession | 'done', offset: number): void {
    if (session === 'done' || !body.isResumable) return
    const { digest, size } = this.#descriptor
    this.#options.journal?.save({ repository: this.#repository, digest, location: session.location.href, offset, size })
  }

  /** What cannot be continued later is taken back. */
  async #abandon({ session }: OpenUpload, body: UploadBody, error: unknown): Promise<void> {
    const isKept = body.isResumable && this.#options.journal && !hasCode(error, 'CONTENT_MISMATCH')
    if (session === 'done' || isKept) return
    await session.cancel()
    this.#options.journal?.forget(this.#repository, this.#descriptor.digest)
  }

  /** The answer to the last request may have been lost, and the upload be gone because it was complete. */
  async #unlessThere(error: unknown, job: Job): Promise<void> {
    if (isForgotten(error) && (await hasBlob(this.#server, this.#route, this.#descriptor, job))) return
    throw error
  }
}

interface OpenUpload {
  session: UploadSession | 'done'
  offset: number
}

/** A registry that has another offset in mind (416), or has forgotten the upload (404), can be asked where to go on. */
function passing(trouble: Trouble, breaks: number): Trouble {
  const status = trouble.error.data['status']
  const isPassing = trouble.isPassing || status === 416 || isForgotten(trouble.error)
  return { ...trouble, isPassing: isPassing && breaks < MOST_BREAKS }
}

function troubleError(outcome: { has: number } | { trouble: Trouble }, route: Route): Error {
  if ('trouble' in outcome) return outcome.trouble.error
  return fail('REGISTRY_UNAVAILABLE', `${route.familiar()}: the registry took only a part of a layer`)
}
