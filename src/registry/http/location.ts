import { fail } from '../../core/index.ts'
import { shown } from './failure.ts'

/** Where a `Location` or `Link` of an answer from `from` leads: never to plain HTTP when `from` is TLS. Fails with `REGISTRY_INVALID_ANSWER`. */
export function locate(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw refused(from, 'that is no address')
  const url = new URL(location, from)
  // servers behind a proxy that ends TLS often do not know of it
  if (url.hostname === from.hostname && from.protocol === 'https:' && url.protocol === 'http:') {
    url.protocol = 'https:'
    url.port = from.port
  }
  if (url.protocol !== 'https:' && (url.protocol !== 'http:' || from.protocol === 'https:')) {
    throw refused(from, `of ${url.protocol}//${url.host}`)
  }
  url.hash = ''
  return url
}

function refused(from: URL, what: string): Error {
  return fail('REGISTRY_INVALID_ANSWER', `${shown(from)}: the registry answered a Location ${what}`)
}
