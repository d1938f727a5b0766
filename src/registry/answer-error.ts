import { STATUS_CODES } from 'node:http'
import { type ErrorCode, fail, type SlipwayError } from '../core/index.ts'
import { headerOf } from './http/redirect.ts'
import type { Reply } from './http/reply.ts'
import { retryAfter } from './http/retry-after.ts'
import { parseProtocolErrors, protocolErrorText } from './protocol-error.ts'

/** What was asked, for the error when the answer is another than it should be. */
export interface About {
  /** As the user would say it: `localhost:5000/app:1`. */
  readonly name: string
  readonly kind: 'manifest' | 'blob' | 'repository' | 'upload' | 'registry'
  /** Whether something was to be written or deleted. */
  readonly writes?: boolean
}

/** Docker's words where `docker pull` and `docker push` have them for this answer. */
export function answerError(reply: Pick<Reply, 'status' | 'headers' | 'body'>, about: About): SlipwayError {
  const { status } = reply
  const errors = parseProtocolErrors(reply.body)
  const [first] = errors
  const said =
    errors.length > 0 ? errors.map(protocolErrorText).join('\n') : `${status} ${STATUS_CODES[status] ?? ''}`.trim()
  const data = { status, ...(first ? { protocolCode: first.code } : {}), name: about.name }
  if (status === 401 || status === 403) return refused(status, said, about, data)
  if (status === 429) return rateLimited(reply, said, data)
  if (status >= 500) {
    const again = later(reply)
    const message = `received unexpected HTTP status: ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()
    const own = errors.length > 0 ? `: ${said}` : ''
    return fail('REGISTRY_UNAVAILABLE', `${about.name}: ${message}${own}${again}`, { data })
  }
  const code = codeOf(status, first?.code, about)
  return fail(code, wordsOf(code, said, about), { data, ...hintOf(code, about) })
}

const BY_PROTOCOL_CODE: Readonly<Record<string, ErrorCode>> = {
  MANIFEST_BLOB_UNKNOWN: 'BLOB_NOT_FOUND',
  BLOB_UNKNOWN: 'BLOB_NOT_FOUND',
  MANIFEST_UNKNOWN: 'IMAGE_NOT_FOUND',
  DIGEST_INVALID: 'CONTENT_MISMATCH',
  SIZE_INVALID: 'CONTENT_MISMATCH',
  MANIFEST_INVALID: 'MANIFEST_INVALID',
  NAME_INVALID: 'REFERENCE_INVALID',
  TAG_INVALID: 'REFERENCE_INVALID',
  UNSUPPORTED: 'REGISTRY_UNSUPPORTED',
}

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  405: 'REGISTRY_UNSUPPORTED',
  409: 'REGISTRY_DENIED',
  412: 'REGISTRY_DENIED',
  413: 'REGISTRY_DENIED',
  422: 'REGISTRY_DENIED',
}

function codeOf(status: number, protocolCode: string | undefined, { kind }: About): ErrorCode {
  if (status === 404 && kind === 'blob') return 'BLOB_NOT_FOUND'
  if (status === 404 && kind !== 'upload' && kind !== 'registry') return 'IMAGE_NOT_FOUND'
  return BY_PROTOCOL_CODE[protocolCode ?? ''] ?? BY_STATUS[status] ?? 'REGISTRY_INVALID_ANSWER'
}

function wordsOf(code: ErrorCode, said: string, { name, kind }: About): string {
  if (code === 'IMAGE_NOT_FOUND' && kind === 'manifest') {
    return `manifest for ${name} not found: ${/^\d/.test(said) ? 'manifest unknown: manifest unknown' : said}`
  }
  return `${name}: ${said}`
}

function hintOf(code: ErrorCode, { writes }: About): { hint?: string } {
  if (code !== 'REGISTRY_UNSUPPORTED' || !writes) return {}
  return { hint: 'the operator of the registry has to allow it (docker-registry: storage.delete.enabled: true).' }
}

function refused(status: number, said: string, about: About, data: Record<string, unknown>): SlipwayError {
  const own = /^\d/.test(said) ? '' : said
  if (status === 401)
    return accessDenied('REGISTRY_UNAUTHORIZED', own || 'unauthorized: authentication required', about, data)
  return accessDenied('REGISTRY_DENIED', own || 'denied: requested access to the resource is denied', about, data)
}

/** The error for what we may not do; `why` is what the registry or the token server says. */
export function accessDenied(
  code: 'REGISTRY_UNAUTHORIZED' | 'REGISTRY_DENIED',
  why: string,
  about: About,
  data: Record<string, unknown> = {},
): SlipwayError {
  const details = { data, hint: 'log in as a user who may do this: "slipway login REGISTRY".' }
  if (about.kind === 'registry') return fail(code, why, details)
  const action = about.writes ? 'push' : 'pull'
  return fail(code, `${action} access denied, repository does not exist or may require authorization: ${why}`, details)
}

/** The same refusal, which also says that a token server in another domain was not told who we are. */
export function loginWithheld({ code, message, data }: SlipwayError, registry: string, server: string): SlipwayError {
  return fail(code, `${message} (the login for ${registry} was not sent to ${server}, which is in another domain)`, {
    data: { ...data, withheldFrom: server },
    hint: `if that is the token server of ${registry}, say so: "slipway login --token-server ${server} ${registry}".`,
  })
}

/** The same refusal, where a credential helper did not say who we are. */
export function loginMissing({ code, message, data }: SlipwayError, failure: SlipwayError): SlipwayError {
  const { hint } = failure
  return fail(code, `${message} (${failure.message})`, {
    data,
    cause: failure,
    ...(hint === undefined ? {} : { hint }),
  })
}

function rateLimited(reply: Pick<Reply, 'headers'>, said: string, data: Record<string, unknown>): SlipwayError {
  const limit = headerOf(reply, 'ratelimit-limit')
  const remaining = headerOf(reply, 'ratelimit-remaining')
  const [, seconds] = /;w=(\d{1,9})/.exec(remaining ?? limit ?? '') ?? []
  const window =
    seconds === undefined ? '' : `; the quota (${(limit ?? '?').split(';')[0]}) is for ${duration(Number(seconds))}`
  const again = later(reply) || window
  const wait = retryAfter(headerOf(reply, 'retry-after'))
  const words = /^\d/.test(said) ? 'toomanyrequests: too many requests' : said
  return fail('REGISTRY_RATE_LIMITED', `${words}${again}`, {
    data: {
      ...data,
      ...(wait === undefined ? {} : { retryAfter: wait }),
      ...(limit === undefined ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
    },
    hint: 'log in for a larger quota, use a mirror, or come back later.',
  })
}

function later(reply: Pick<Reply, 'headers'>): string {
  const wait = retryAfter(headerOf(reply, 'retry-after'))
  return wait === undefined ? '' : `; the registry asks to come back in ${duration(wait / 1000)}`
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`
}
