/** One of many clients of a registry that is killed, collects and retains meanwhile. Speaks HTTP itself. */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomNumbers } from './kill.ts'

const CHUNK = 100_000
const IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const ACCEPT = { accept: `${IMAGE}, ${INDEX}` }

/** A manifest with what it needs; all of it must be there while it is promised. */
export interface Promised {
  readonly repository: string
  readonly digest: string
  readonly blobs: readonly string[]
  readonly children: readonly Promised[]
  /** Manifests whose subject it is. */
  referrers: readonly Promised[]
}

/** What all clients share. */
export interface World {
  readonly url: () => string
  readonly isOver: () => boolean
  /** How long the registry leaves alone what nothing needs yet, in milliseconds. */
  readonly grace: number
  /** What was acknowledged and not taken back, by `REPOSITORY TAG`. */
  readonly promised: Map<string, Promised>
  /** What must not happen. */
  readonly problems: string[]
  readonly counts: { pushes: number; pulls: number; mounts: number; deletes: number; resumed: number; late: number }
}

export const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** The registry was too slow, or away for too long: what was pushed may be gone, and the push begins anew. */
class TooLate extends Error {}

/** A layer that many images have, the same for all clients; there are new ones after some pushes. */
const sharedLayer = (pushes: number, chance: number): Buffer =>
  Buffer.alloc(150_000, `shared layer ${Math.floor(pushes / 30)} ${Math.floor(chance * 12)} `)

interface Blob {
  bytes: Buffer
  digest: string
}

const blobOf = (bytes: Buffer): Blob => ({ bytes, digest: digestOf(bytes) })

interface Reply {
  status: number
  headers: Headers
  body: Buffer
}

/** Pushes, pulls and deletes until the world is over. */
export class LoadClient {
  readonly #world: World
  readonly #name: string
  readonly #random: () => number
  /** Tags of its own that are promised. */
  readonly #own: string[] = []
  /** An index that was taken away, and whose children may be there still. */
  #former: Promised | undefined
  /** When the first part of the push under way was acknowledged. */
  #begun = 0
  #again = 0

  constructor(world: World, number: number, seed: number) {
    this.#world = world
    this.#name = `c${number}`
    this.#random = randomNumbers(seed * 1000 + number)
  }

  async work(): Promise<void> {
    for (let at = 0; !this.#world.isOver(); at++) {
      const chance = this.#random()
      if (chance < 0.35) await this.#pull()
      else if (chance < 0.45 && this.#own.length > 4) await this.#delete()
      else await this.#push(at)
    }
  }

  async #push(at: number | string, repository = `load/r${Math.floor(this.#random() * 8)}`): Promise<void> {
    const kind = ['keep', 'keep', 'roll', 'drop'][Math.floor(this.#random() * 4)]!
    const tag = `${kind}-${this.#name}-${at}`
    const make =
      this.#former || this.#random() < 0.3
        ? () => this.#pushIndex(repository, tag)
        : () => this.#pushImage(repository, tag)
    for (;;) {
      try {
        const promised = await make()
        this.#world.counts.pushes++
        if (kind !== 'keep') return
        this.#world.promised.set(`${repository} ${tag}`, promised)
        this.#own.push(`${repository} ${tag}`)
        if (this.#random() < 0.3) promised.referrers = [await this.#pushReferrer(promised)]
        return
      } catch (error) {
        if (!(error instanceof TooLate)) throw error
        this.#world.counts.late++
      }
    }
  }

  async #pushImage(repository: string, reference?: string, more: object = {}): Promise<Promised> {
    const config = blobOf(Buffer.from(JSON.stringify({ salt: randomBytes(8).toString('hex') })))
    const layers = [blobOf(sharedLayer(this.#world.counts.pushes, this.#random()))]
    if (!('subject' in more)) layers.push(blobOf(randomBytes(2.5 * CHUNK)))
    this.#begun = Date.now()
    for (const blob of [...layers, config]) await this.#bring(repository, blob)
    const describe = ({ bytes, digest }: Blob): object => ({ mediaType: 'text/plain', digest, size: bytes.length })
    const document = { schemaVersion: 2, mediaType: IMAGE, config: describe(config), layers: layers.map(describe) }
    const digest = await this.#put(repository, { ...document, ...more }, reference)
    return { repository, digest, blobs: [...layers, config].map((blob) => blob.digest), children: [], referrers: [] }
  }

  /** Its children are pushed by their digests, or were there and are only looked at, as clients do. */
  async #pushIndex(repository: string, tag: string): Promise<Promised> {
    const former = this.#former?.repository === repository ? this.#former.children : []
    this.#former = undefined
    const children: Promised[] = []
    for (const child of former) {
      const found = await this.#ask('HEAD', `/v2/${repository}/manifests/${child.digest}`, {
        accept: [404],
        headers: ACCEPT,
      })
      if (found.status === 200) children.push(child)
    }
    const begun = Date.now()
    while (children.length < 2) children.push(await this.#pushImage(repository))
    const manifests = children.map(({ digest }, at) => ({
      ...{ mediaType: IMAGE, digest, size: 1000 },
      platform: { os: 'linux', architecture: at === 0 ? 'amd64' : 'arm64' },
    }))
    if (Date.now() - begun > this.#world.grace / 2) throw new TooLate()
    const digest = await this.#put(repository, { schemaVersion: 2, mediaType: INDEX, manifests }, tag)
    // an index may name what is not there: nobody would have said so
    if (Date.now() - begun > this.#world.grace) throw new TooLate()
    return { repository, digest, blobs: [], children, referrers: [] }
  }

  async #pushReferrer(subject: Promised): Promise<Promised> {
    const { repository, digest } = subject
    const more = { artifactType: 'application/x.signature', subject: { mediaType: IMAGE, digest, size: 1000 } }
    return this.#pushImage(repository, undefined, more)
  }

  async #put(repository: string, document: object, tag: string | undefined): Promise<string> {
    const bytes = Buffer.from(JSON.stringify(document))
    const digest = digestOf(bytes)
    const { mediaType } = document as { mediaType: string }
    const at = `/v2/${repository}/manifests/${tag ?? digest}`
    const asked = Date.now()
    const { status, body } = await this.#ask('PUT', at, {
      body: bytes,
      headers: { 'content-type': mediaType },
      accept: [400, 404],
    })
    if (status === 201) return digest
    const isEarly = asked - this.#begun < this.#world.grace / 2
    if (isEarly && Date.now() - asked < this.#world.grace / 4) {
      this.#world.problems.push(`${at} was refused ${asked - this.#begun} ms after its blobs came: ${body}`)
    }
    throw new TooLate()
  }

  async #bring(repository: string, blob: Blob): Promise<void> {
    const at = `/v2/${repository}/blobs`
    const found = await this.#ask('HEAD', `${at}/${blob.digest}`, { accept: [404] })
    if (found.status === 200) return
    if (this.#random() < 0.5) {
      const from = `load/r${Math.floor(this.#random() * 8)}`
      const mounted = await this.#ask('POST', `${at}/uploads/?mount=${blob.digest}&from=${from}`)
      if (mounted.status !== 201) return this.#inChunks(repository, blob, mounted.headers.get('location')!)
      this.#world.counts.mounts++
      return
    }
    if (blob.bytes.length > CHUNK && this.#random() < 0.6) {
      const opened = await this.#ask('POST', `${at}/uploads/`)
      await this.#inChunks(repository, blob, opened.headers.get('location')!)
    } else await this.#ask('POST', `${at}/uploads/?digest=${blob.digest}`, { body: blob.bytes })
  }

  /** Goes on with the same upload after a kill, where the registry says. */
  async #inChunks(repository: string, { bytes, digest }: Blob, at: string): Promise<void> {
    let acknowledged = 0
    for (;;) {
      const state = await this.#ask('GET', at, { accept: [404] })
      if (state.status === 404) {
        this.#world.problems.push(`${at} is forgotten`)
        throw new TooLate()
      }
      const last = Number(state.headers.get('range')!.slice(2))
      const offset = last === 0 ? 0 : last + 1
      if (offset < acknowledged) this.#world.problems.push(`${at} went back from ${acknowledged} to ${offset}`)
      if (offset >= bytes.length) break
      if (offset > 0 && this.#random() < 0.2) await this.#intrude(at, offset)
      const part = bytes.subarray(offset, offset + CHUNK)
      const headers = { 'content-range': `${offset}-${offset + part.length - 1}` }
      const sent = await this.#once('PATCH', at, { body: part, headers, accept: [416] })
      if (sent?.status === 202) acknowledged = offset + part.length
      if (!sent) this.#world.counts.resumed++
    }
    // the answer may be lost after the upload was closed
    const closed = await this.#ask('PUT', `${at}?digest=${digest}`, { accept: [404] })
    if (closed.status === 201) return
    const found = await this.#ask('HEAD', `/v2/${repository}/blobs/${digest}`, { accept: [404] })
    if (found.status !== 200) throw new TooLate()
  }

  /** Bytes that belong elsewhere: at another place of the upload, or to one of another repository. */
  async #intrude(at: string, offset: number): Promise<void> {
    const part = Buffer.alloc(100, 'not yours')
    const wrong = offset > 500 ? offset - 500 : offset + 500
    const stale = await this.#ask('PATCH', at, {
      body: part,
      headers: { 'content-range': `${wrong}-${wrong + 99}` },
      accept: [416],
    })
    const foreign = await this.#ask('PATCH', at.replace(/load\/r\d/, 'load/other'), { body: part, accept: [404] })
    if (stale.status !== 416 || foreign.status !== 404) {
      this.#world.problems.push(`${at} took what is not its own: ${stale.status} ${foreign.status}`)
    }
  }

  async #pull(): Promise<void> {
    const keys = [...this.#world.promised.keys()]
    const key = keys[Math.floor(this.#random() * keys.length)]
    const promised = key === undefined ? undefined : this.#world.promised.get(key)
    if (!promised) return
    const lost = await findLost((at) => this.#ask('GET', at, { accept: [404], headers: ACCEPT }), key!, promised)
    this.#world.counts.pulls++
    // its owner may have taken it away meanwhile
    if (this.#world.promised.get(key!) === promised) this.#world.problems.push(...lost)
  }

  async #delete(): Promise<void> {
    const key = this.#own.splice(Math.floor(this.#random() * this.#own.length), 1)[0]!
    const [repository, tag] = key.split(' ')
    const promised = this.#world.promised.get(key)!
    this.#world.promised.delete(key)
    const reference = this.#random() < 0.5 ? tag : promised.digest
    await this.#ask('DELETE', `/v2/${repository}/manifests/${reference}`, { accept: [404] })
    this.#world.counts.deletes++
    if (promised.children.length === 0) return
    this.#former = promised
    await this.#push(`again${this.#again++}`, repository)
  }

  /** Asks until there is an answer. */
  async #ask(method: string, at: string, more: Asked = {}): Promise<Reply> {
    for (;;) {
      const reply = await this.#once(method, at, more)
      if (reply) return reply
    }
  }

  /** `undefined` when the connection broke or the registry asks for patience. */
  async #once(method: string, at: string, { body, headers, accept = [] }: Asked): Promise<Reply | undefined> {
    try {
      const response = await fetch(new URL(at, this.#world.url()), {
        method,
        headers: headers ?? {},
        ...(body ? { body: new Uint8Array(body) } : {}),
      })
      const reply = {
        status: response.status,
        headers: response.headers,
        body: Buffer.from(await response.arrayBuffer()),
      }
      if (reply.status < 400 || accept.includes(reply.status)) return reply
      if (reply.status !== 503) throw new Error(`${method} ${at}: ${reply.status} ${reply.body}`)
    } catch (error) {
      // fetch says TypeError when the connection breaks; anything else is an answer that is wrong
      if (!(error instanceof TypeError)) throw error
    }
    await sleep(20)
    return undefined
  }
}

interface Asked {
  body?: Buffer
  headers?: Record<string, string>
  /** Statuses from 400 on that are answers, too. */
  accept?: readonly number[]
}

/** What is not there of something promised, or is not what its digest says. */
export async function findLost(
  get: (at: string) => Promise<{ status: number; body: Buffer }>,
  key: string,
  promised: Promised,
): Promise<string[]> {
  const [repository, tag] = key.split(' ')
  const lost: string[] = []
  const look = async (kind: string, reference: string, digest: string): Promise<Buffer> => {
    const { status, body } = await get(`/v2/${repository}/${kind}/${reference}`)
    if (status !== 200 || digestOf(body) !== digest) lost.push(`${key}: ${kind} ${reference}: ${status}`)
    return body
  }
  const lookAt = async (one: Promised, reference: string): Promise<void> => {
    await look('manifests', reference, one.digest)
    for (const digest of one.blobs) await look('blobs', digest, digest)
    for (const child of one.children) await lookAt(child, child.digest)
    if (one.referrers.length === 0) return
    for (const referrer of one.referrers) await lookAt(referrer, referrer.digest)
    const { body } = await get(`/v2/${repository}/referrers/${one.digest}`)
    for (const { digest } of one.referrers) {
      if (!body.includes(digest)) lost.push(`${key}: referrer ${digest} is not listed`)
    }
  }
  await lookAt(promised, tag!)
  return lost
}
