import { isIP } from 'node:net'
import { fail } from '../../core/index.ts'
import type { Challenge } from './challenge.ts'

/**
 * Where a registry says that tokens are: an address of http or https, and not of http when the registry itself is asked by
 * https. Fails with `REGISTRY_INVALID_ANSWER`.
 */
export function realmOf({ parameters }: Challenge, registry: URL): URL {
  const text = parameters.get('realm') ?? ''
  if (!URL.canParse(text, registry.href))
    throw bad(`no address of a token server: ${JSON.stringify(text.slice(0, 200))}`)
  const realm = new URL(text, registry)
  realm.hash = ''
  realm.username = ''
  realm.password = ''
  if (!/^https?:$/.test(realm.protocol)) throw bad(`a token server with a ${realm.protocol} address`)
  if (registry.protocol === 'https:' && realm.protocol === 'http:') {
    throw bad(`a token server without TLS (${realm.origin}), which gets no password of ours`)
  }
  return realm
}

function bad(what: string): Error {
  return fail('REGISTRY_INVALID_ANSWER', `the registry names ${what}`)
}

/**
 * Whether two hosts, without ports, belong to one owner: they are the same, or names in one registrable domain. Without
 * the list of public suffixes that is a rule of thumb: the last two labels, or three below what looks like `co.uk`.
 */
export function haveOneOwner(one: string, other: string): boolean {
  const [a, b] = [plain(one), plain(other)]
  if (a === b) return true
  const domain = domainOf(a)
  return domain !== undefined && domain === domainOf(b)
}

function plain(host: string): string {
  return host.replace(/\.$/, '').toLowerCase()
}

/** Nothing for addresses, and for names that are no more than a public suffix or have one label. */
function domainOf(host: string): string | undefined {
  const labels = host.split('.')
  if (isIP(host.replace(/^\[|\]$/g, '')) || labels.includes('')) return undefined
  const [second = '', top = ''] = labels.slice(-2)
  const wanted = top.length === 2 && second.length <= 3 ? 3 : 2
  return labels.length < wanted ? undefined : labels.slice(-wanted).join('.')
}
