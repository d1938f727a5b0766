import { refuse } from '../failure.ts'

/** Proxies that a request may have come through. */
const MOST_HOPS = 8
const HOP = /\b1\.[01] (slipway-[0-9a-f]{16})(?=\s*(?:,|$))/g

/**
 * The `Via` header (RFC 9110, 7.6.3) of what is asked upstream for a request: the proxies like us that it came through,
 * and ourselves. Refuses a request that comes from ourselves, by whatever way: it would never end.
 */
export function viaFor(header: string | undefined, own: string): string {
  const hops = [...(header ?? '').slice(0, 2000).matchAll(HOP)].map(([, name]) => name!)
  if (hops.includes(own)) throw looping('the upstream of this registry is, in the end, this registry itself')
  if (hops.length >= MOST_HOPS) throw looping(`the request came through ${hops.length} proxies`)
  return [...hops, own].map((name) => `1.1 ${name}`).join(', ')
}

function looping(message: string): Error {
  return refuse('UNAVAILABLE', message, { status: 508 })
}
