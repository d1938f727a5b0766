import type { Gauged } from '../ops/metrics.ts'
import type { UpstreamState } from './state.ts'

/** What metrics say of upstreams. */
export function upstreamGauges(upstreams: () => readonly UpstreamState[]): Gauged[] {
  const each = (read: (state: UpstreamState) => number) => () =>
    upstreams().map((state) => ({ labels: { upstream: state.name }, value: read(state) }))
  const counted = (name: string, about: string, read: (state: UpstreamState) => number): Gauged => {
    return {
      name: `slipway_registry_upstream_${name}_total`,
      about,
      kind: 'counter',
      labels: ['upstream'],
      read: each(read),
    }
  }
  return [
    {
      name: 'slipway_registry_upstream_up',
      about: 'Whether the last question to an upstream was answered.',
      labels: ['upstream'],
      read: each(({ isReachable }) => (isReachable === false ? 0 : 1)),
    },
    counted('hits', 'Requests that were answered without content from the upstream.', ({ hits }) => hits),
    counted('misses', 'Requests that the upstream sent content for.', ({ misses }) => misses),
    counted('stale', 'Answers while the upstream could not be asked.', ({ stale }) => stale),
    counted('fetched_bytes', 'Bytes of blobs that came from an upstream.', ({ bytesFetched }) => bytesFetched),
    counted('served_bytes', 'Bytes of blobs of an upstream that went to clients.', ({ bytesServed }) => bytesServed),
  ]
}
