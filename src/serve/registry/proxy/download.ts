import { type Digest, digestAlgorithm } from '../../../core/index.ts'
import type { Descriptor } from '../../../oci/index.ts'
import type { StoredBlob, Upload, UploadHold } from '../storage.ts'
import { formatAmount } from '../upkeep/quantities.ts'
import { PROXY, type ProxyContext } from './context.ts'
import { kindOf } from './failures.ts'
import { slices } from './slices.ts'
import { ask, type Remote } from './upstream.ts'

/** Milliseconds between lines about one blob. */
const STEP = 10_000

/**
 * A blob on its way from an upstream into the storage. It goes on whoever still waits for it; what has arrived can be read
 * from the file that it grows in, all but the last byte: that is given out when the digest has proved right.
 */
export class Download {
  readonly descriptor: Descriptor
  /** Names here of the repositories that get the blob. */
  readonly repositories: Set<string>
  /** Resolves when the first bytes can be read, and fails when none ever come. */
  readonly started: Promise<void>
  readonly finished: Promise<StoredBlob>
  /** Where the bytes are, once it has started. */
  path = ''
  /** Bytes that can be read from there. */
  readable = 0
  readonly #context: ProxyContext
  readonly #remote: Remote
  #waiting: (() => void)[] = []
  #hasEnded = false
  readonly #begun = performance.now()

  constructor(remote: Remote, descriptor: Descriptor, context: ProxyContext) {
    this.#remote = remote
    this.#context = context
    this.descriptor = descriptor
    this.repositories = new Set([remote.name])
    const { upstream } = remote
    this.finished = (isLarge(descriptor) ? upstream.limit(() => this.#run()) : this.#run()).finally(() => {
      this.#hasEnded = true
      this.#tell()
    })
    // each reader hears of a failure by itself
    this.finished.catch(() => {})
    this.started = this.more(0)
    this.started.catch(() => {})
  }

  /** Waits until more than `offset` bytes can be read, or it has ended. Fails when it failed. */
  async more(offset: number): Promise<void> {
    while (this.readable <= offset && !this.#hasEnded) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#hasEnded) await this.finished
  }

  async #run(): Promise<StoredBlob> {
    const { digest, size } = this.descriptor
    const upload = this.#upload(digest)
    using hold = upload.take()!
    this.path = this.#context.layout.upload(upload.id)
    using _progress = this.#report()
    this.#arrived(upload)
    try {
      if (upload.offset < size) await this.#receive(upload, hold)
      const blob = await hold.commit(digest, { by: PROXY })
      await this.#share(digest)
      this.readable = size
      if (isLarge(this.descriptor)) this.#say(`fetched, ${formatAmount(size)} in ${this.#seconds()} s`)
      return blob
    } catch (error) {
      if (!this.#canGoOn(error, upload)) hold.cancel()
      if (kindOf(error) === 'broken') this.#remote.upstream.failed(error)
      throw error
    }
  }

  async #share(digest: Digest): Promise<void> {
    const { storage } = this.#context
    const { name: own } = this.#remote
    for (const name of this.repositories) {
      if (name !== own) await storage.repository(name).mount(digest, own, { by: PROXY })
    }
  }

  async #receive(upload: Upload, hold: UploadHold): Promise<void> {
    const { job } = this.#context
    const { offset } = upload
    const { counters, config } = this.#remote.upstream
    // `commit` verifies it all; only where there is another server to turn to need it be known before
    const range = offset === 0 && config.mirrors ? undefined : { start: offset, end: this.descriptor.size }
    await ask(this.#remote, async (repository) => {
      for await (const slice of slices(repository.read(this.descriptor, range, job))) {
        const before = upload.offset
        try {
          await hold.append(slice, this.descriptor.size)
        } finally {
          counters.bytesFetched += upload.offset - before
        }
        this.#arrived(upload)
      }
    })
  }

  /** What an earlier try has left, which a restart of the server does not take away, or a new one. */
  #upload(digest: Digest): Upload {
    const { storage, database } = this.#context
    const { name } = this.#remote
    const by = `${PROXY} ${digest}`
    const rows = database.all<{ id: string }>(
      'SELECT id FROM uploads WHERE repository = ? AND started_by = ? ORDER BY updated_at DESC LIMIT 1',
      ...[name, by],
    )
    const earlier = rows[0] && storage.uploads.find(name, rows[0].id)
    if (earlier && earlier.offset <= this.descriptor.size) return earlier
    return storage.uploads.start(name, { algorithm: digestAlgorithm(digest), by })
  }

  /** Says from time to time how far a blob is that takes long. */
  #report(): Disposable {
    const { size } = this.descriptor
    const say = (): void =>
      this.#say(`${formatAmount(this.readable)} of ${formatAmount(size)} after ${this.#seconds()} s`)
    const timer = setInterval(say, STEP).unref()
    return { [Symbol.dispose]: () => clearInterval(timer) }
  }

  #say(what: string): void {
    this.#context.log(`${this.#remote.name}@${this.descriptor.digest}: ${what}`)
  }

  #seconds(): string {
    return ((performance.now() - this.#begun) / 1000).toFixed(1)
  }

  #arrived({ offset }: Upload): void {
    this.readable = Math.max(0, Math.min(offset, this.descriptor.size - 1))
    this.#tell()
  }

  /** Where the line broke, the next try goes on; wrong content is not kept. */
  #canGoOn(error: unknown, upload: Upload): boolean {
    const kind = kindOf(error)
    const isCanceled = this.#context.job.signal?.aborted === true
    return upload.offset > 0 && (kind === 'down' || kind === 'busy' || isCanceled)
  }

  #tell(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

function isLarge({ size }: Descriptor): boolean {
  return size > 1 << 20
}
