import { refuse } from '../failure.ts'
import { beginBlob, getBlob } from '../protocol/blobs.ts'
import { etagOf } from '../protocol/conditions.ts'
import { type Exchange, requireDigest } from '../protocol/exchange.ts'
import { sendTags } from '../protocol/lists.ts'
import { getManifest } from '../protocol/manifests.ts'
import { sendReferrers } from '../protocol/referrers.ts'
import type { RepositoryRoute } from '../protocol/route.ts'
import type { ProxyContext } from './context.ts'
import { Download } from './download.ts'
import { Downloads } from './downloads.ts'
import { followDownload } from './follow.ts'
import { Lists } from './lists.ts'
import { Manifests } from './manifests.ts'
import type { Remote } from './upstream.ts'

/** Answers what is asked about repositories of upstreams: brings what is missing, then answers as for any repository. */
export class Answers {
  readonly #context: ProxyContext
  readonly #manifests: Manifests
  readonly #downloads: Downloads
  readonly #lists: Lists

  constructor(context: ProxyContext) {
    this.#context = context
    this.#manifests = new Manifests(context)
    this.#downloads = new Downloads(context)
    this.#lists = new Lists(context)
  }

  /** Answers a request that was allowed. Fails with a `ProtocolFailure`. */
  async answer(exchange: Exchange, route: RepositoryRoute, remote: Remote): Promise<void> {
    const isRead = exchange.request.method === 'GET' || exchange.request.method === 'HEAD'
    if (isRead && route.kind === 'manifest') return this.#manifest(exchange, route.reference, remote)
    if (isRead && route.kind === 'blob') return this.#blob(exchange, route.reference, remote)
    if (isRead && route.kind === 'tags') return this.#tags(exchange, route.repository, remote)
    if (isRead && route.kind === 'referrers') return this.#referrers(exchange, route, remote)
    const { name, upstream } = remote
    throw refuse(
      'DENIED',
      `${name} is a cache of ${upstream.name}, which cannot be pushed to: push to ${upstream.name}`,
    )
  }

  /** Ends when nothing is fetched any more; the job must have ended. */
  close(): Promise<void> {
    return this.#downloads.close()
  }

  async #manifest(exchange: Exchange, reference: string, remote: Remote): Promise<void> {
    const isGet = exchange.request.method === 'GET'
    const { descriptor, isStale } = await this.#manifests.find(remote, reference, isGet)
    if (isStale) warn(exchange, remote)
    const { digest, mediaType, size } = descriptor
    const here = this.#context.storage.repository(remote.name)
    if (here.describe(digest)) {
      here.pulled(digest)
      // what the tag stands for was just found out, and need not have it any more
      const wanted = here.describe(reference)?.digest === digest ? reference : digest
      return getManifest(exchange, { repository: remote.name, reference: wanted })
    }
    exchange.response.writeHead(200, {
      'Content-Type': mediaType,
      'Content-Length': size,
      'Docker-Content-Digest': digest,
      'Docker-Distribution-Api-Version': 'registry/2.0',
      ETag: etagOf(digest),
    })
    exchange.response.end()
  }

  async #blob(exchange: Exchange, reference: string, remote: Remote): Promise<void> {
    const digest = requireDigest(reference)
    const { counters } = remote.upstream
    const target = { repository: remote.name, reference }
    const isHere = this.#context.storage.repository(remote.name).blob(digest) !== undefined
    if (!isHere && exchange.request.method === 'HEAD') {
      beginBlob(exchange, await this.#downloads.describe(remote, digest))
      return
    }
    if (isHere) counters.hits++
    else counters.misses++
    const accept = (size: number): void => exchange.context.accept(remote.name, size, digest)
    const found = isHere ? undefined : await this.#downloads.open(remote, digest, accept)
    try {
      if (found instanceof Download) await followDownload(exchange, found)
      else await getBlob(exchange, target)
    } finally {
      counters.bytesServed += exchange.blobBytes
    }
  }

  async #tags(exchange: Exchange, requested: string, remote: Remote): Promise<void> {
    const { entries, isStale } = await this.#lists.tags(remote)
    if (entries.length === 0 && !this.#context.storage.repository(remote.name).exists()) {
      throw refuse('NAME_UNKNOWN', 'repository name not known to registry', { detail: { name: requested } })
    }
    if (isStale) warn(exchange, remote)
    sendTags(exchange, requested, (last = '', limit) => entries.filter((tag) => tag > last).slice(0, limit))
  }

  async #referrers(
    exchange: Exchange,
    route: { repository: string; reference: string },
    remote: Remote,
  ): Promise<void> {
    const { entries, isStale } = await this.#lists.referrers(remote, requireDigest(route.reference))
    if (isStale) warn(exchange, remote)
    sendReferrers(exchange, route, ({ artifactType, last = '', limit }) =>
      entries
        .filter((one) => one.digest > last && (artifactType === undefined || one.artifactType === artifactType))
        .slice(0, limit),
    )
  }
}

/** Clients show it once (distribution spec, "Warnings"; no other code than 299 is allowed). */
function warn({ response }: Exchange, { upstream }: Remote): void {
  response.setHeader(
    'Warning',
    `299 - "${upstream.name} cannot be asked at the moment: this is from the cache and may be out of date"`,
  )
}
