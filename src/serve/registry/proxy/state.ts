/** How an upstream is doing. */
export interface UpstreamState {
  readonly name: string
  readonly prefix: string
  readonly url: string
  readonly isDefault: boolean
  /** Whether its last answer was one; absent before it was asked. */
  readonly isReachable?: boolean
  readonly lastError?: string
  /** Unix milliseconds. */
  readonly failedAt?: number
  /** Until then it is asked for nothing that can be done without; Unix milliseconds. */
  readonly pausedUntil?: number
  /** Requests that were answered from what is here, and those for which the upstream sent content. */
  readonly hits: number
  readonly misses: number
  /** Answers that may be out of date, because the upstream could not say. */
  readonly stale: number
  /** Bytes of blobs that came from it, that went to clients, and the difference. */
  readonly bytesFetched: number
  readonly bytesServed: number
  readonly bytesSaved: number
  /** Blobs that are on their way. */
  readonly downloads: number
}

/** What is counted of an upstream; for all that it does. */
export class Counters {
  hits = 0
  misses = 0
  stale = 0
  bytesFetched = 0
  bytesServed = 0
  downloads = 0
}
