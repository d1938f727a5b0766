import { hasCode, type SlipwayError } from '../../../core/index.ts'
import { ProtocolFailure, refuse } from '../failure.ts'

/**
 * What an upstream's failure means: it has no such thing; it does not let us; it asks for patience; it is not there; it
 * talks nonsense. `undefined` for what is no failure of an upstream.
 */
export type FailureKind = 'missing' | 'refused' | 'busy' | 'down' | 'broken'

const KINDS: Readonly<Record<string, FailureKind>> = {
  IMAGE_NOT_FOUND: 'missing',
  BLOB_NOT_FOUND: 'missing',
  REGISTRY_UNAUTHORIZED: 'refused',
  REGISTRY_DENIED: 'refused',
  REGISTRY_RATE_LIMITED: 'busy',
  REGISTRY_UNAVAILABLE: 'down',
  REGISTRY_INVALID_ANSWER: 'broken',
  REGISTRY_UNSUPPORTED: 'broken',
  REGISTRY_CONFIG_INVALID: 'broken',
  CREDENTIAL_HELPER_FAILED: 'broken',
  CONTENT_MISMATCH: 'broken',
  MANIFEST_INVALID: 'broken',
  MANIFEST_UNSUPPORTED: 'broken',
  JSON_INVALID: 'broken',
}

/** Milliseconds; an upstream that says more is asked again anyway. */
const MOST_WAIT = 3_600_000
/** Milliseconds that clients are told to wait when the upstream has not said how long. */
const USUAL_WAIT = 10_000

/** What kind of failure of an upstream an error is. */
export function kindOf(error: unknown): FailureKind | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && Object.hasOwn(KINDS, code) ? KINDS[code] : undefined
}

/** Whether what is here may be answered after this failure: the upstream did not say what is true now. */
export function mayBeStale(error: unknown): boolean {
  if (error instanceof ProtocolFailure) return error.code === 'TOOMANYREQUESTS'
  const kind = kindOf(error)
  return kind === 'down' || kind === 'busy' || kind === 'broken'
}

/** Milliseconds that an upstream asked us to wait. */
export function waitOf(error: unknown): number | undefined {
  const wait = hasCode(error, 'REGISTRY_RATE_LIMITED') ? error.data['retryAfter'] : undefined
  return typeof wait === 'number' ? Math.min(wait, MOST_WAIT) : undefined
}

/** What clients are told. Addresses of the upstream and its words stay in our log. Other errors are passed on. */
export function failureFor(error: unknown, upstream: string, what: 'manifest' | 'blob' | 'repository'): unknown {
  switch (kindOf(error)) {
    case 'missing':
      return missing(what)
    case 'refused':
      return refuse('DENIED', `${upstream} does not let this registry have it, or has it not`)
    case 'busy':
      return tooManyRequests(upstream, waitOf(error))
    case 'down':
      return refuse('UNAVAILABLE', `${upstream} cannot be reached, and it is not in the cache`)
    case 'broken':
      return refuse('UNAVAILABLE', `${upstream} answered with something else: ${wordsOf(error as SlipwayError)}`, {
        status: 502,
      })
    default:
      return error
  }
}

/** The upstream counts requests, and there were too many; `wait` in milliseconds. */
export function tooManyRequests(upstream: string, wait: number = USUAL_WAIT): ProtocolFailure {
  return refuse('TOOMANYREQUESTS', `${upstream} allows no more requests for now, and it is not in the cache`, {
    headers: { 'Retry-After': String(Math.ceil(wait / 1000)) },
  })
}

function missing(what: 'manifest' | 'blob' | 'repository'): ProtocolFailure {
  if (what === 'manifest') return refuse('MANIFEST_UNKNOWN', 'manifest unknown')
  if (what === 'blob') return refuse('BLOB_UNKNOWN', 'blob unknown to registry')
  return refuse('NAME_UNKNOWN', 'repository name not known to registry')
}

function wordsOf({ code }: SlipwayError): string {
  if (code === 'CONTENT_MISMATCH') return 'the content is not what its digest says'
  return code.startsWith('MANIFEST') || code === 'JSON_INVALID'
    ? 'no manifest that can be understood'
    : 'an invalid answer'
}
