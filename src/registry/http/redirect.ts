import { fail, type Job } from '../../core/index.ts'
import type { ConnectionSettings } from './dispatcher.ts'
import { shown } from './failure.ts'
import { type Answer, type Outgoing, send } from './send.ts'

/** Headers that only the host of the first URL gets. */
export interface OwnHeaders {
  readonly authorization?: string | undefined
  readonly others: Readonly<Record<string, string>>
}

const MOST = 5

/**
 * Sends a request and follows redirects, a few: only to http and https, never from https to http, and with `own` headers
 * only while the host stays the same. Fails with `REGISTRY_INVALID_ANSWER`.
 */
export async function follow(
  outgoing: Outgoing,
  own: OwnHeaders,
  settings: ConnectionSettings,
  job: Job,
): Promise<Answer> {
  let request = outgoing
  for (let redirects = 0; ; redirects++) {
    const answer = await send(withOwn(request, own, outgoing.url), settings, job)
    const location = headerOf(answer, 'location')
    if (!isRedirect(answer.status, outgoing.method) || location === undefined) return answer
    discard(answer)
    if (redirects === MOST) throw invalidAnswer(outgoing, `more than ${MOST} redirects`)
    request = { ...request, url: target(location, request, outgoing) }
  }
}

/** One value of a header, the first when there are several. */
export function headerOf({ headers }: Pick<Answer, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Gives up the rest of an answer. */
export function discard({ body }: Answer): void {
  body.on('error', () => {}).destroy()
}

function isRedirect(status: number, method: string): boolean {
  // 301 to 303 would turn what is written into a GET (RFC 9110, 15.4)
  return status === 307 || status === 308 || ([301, 302, 303].includes(status) && /^(GET|HEAD)$/.test(method))
}

function target(location: string, { url }: Outgoing, first: Outgoing): URL {
  if (!URL.canParse(location, url.href)) throw invalidAnswer(first, 'a redirect to something that is no address')
  const to = new URL(location, url)
  if (!/^https?:$/.test(to.protocol)) throw invalidAnswer(first, `a redirect to a ${to.protocol} address`)
  if (url.protocol === 'https:' && to.protocol === 'http:') {
    throw invalidAnswer(first, `a redirect from https to plain http (${to.host})`)
  }
  to.hash = ''
  return to
}

function withOwn(request: Outgoing, { authorization, others }: OwnHeaders, first: URL): Outgoing {
  const isSame = request.url.host === first.host
  if (!isSame) return request
  return {
    ...request,
    headers: { ...request.headers, ...others, ...(authorization === undefined ? {} : { authorization }) },
  }
}

function invalidAnswer({ method, url }: Outgoing, what: string): Error {
  return fail('REGISTRY_INVALID_ANSWER', `${method} ${shown(url)}: the registry answered ${what}`)
}
