import { type ErrorCode, SlipwayError } from '../../core/index.ts'

/** Errors that would be the same for any layer. */
const OF_NO_LAYER: ReadonlySet<ErrorCode> = new Set([
  'CREDENTIAL_HELPER_FAILED',
  'REGISTRY_BLOCKED',
  'REGISTRY_CONFIG_INVALID',
  'REGISTRY_DENIED',
  'REGISTRY_UNAUTHORIZED',
])

const NO_PLATFORM = 'no match for platform in manifest: not found'

/**
 * An error of a transfer as Docker says it. Who may not do something, or finds nobody there, need not know with which
 * layer the copy had got to when it turned out.
 */
export function inPlainWords(error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return error
  const inner = error.data['side'] !== undefined && error.cause instanceof SlipwayError ? error.cause : error
  if (OF_NO_LAYER.has(inner.code)) return inner
  if (inner.code === 'PLATFORM_NOT_FOUND') return restated(inner, `${inner.message}: ${NO_PLATFORM}`)
  // what the system or the TLS library calls it: there was no answer
  if (inner.code !== 'REGISTRY_UNAVAILABLE' || typeof inner.data['reason'] !== 'string') return error
  return restated(inner, `failed to do request: ${inner.message}`)
}

function restated({ code, hint, data, cause }: SlipwayError, message: string): SlipwayError {
  return new SlipwayError(code, message, { data, cause, ...(hint === undefined ? {} : { hint }) })
}
