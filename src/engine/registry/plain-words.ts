import { SlipwayError } from '../../core/index.ts'

/**
 * An error of a transfer as Docker says it. Who may not do something, or finds nobody there, need not know with which
 * layer the copy had got to when it turned out.
 */
export function inPlainWords(error: unknown): unknown {
  if (!(error instanceof SlipwayError)) return error
  const inner = error.data['side'] !== undefined && error.cause instanceof SlipwayError ? error.cause : error
  const isRefusal = inner.code === 'REGISTRY_UNAUTHORIZED' || inner.code === 'REGISTRY_DENIED'
  if (isRefusal) return inner
  // what the system or the TLS library calls it: there was no answer
  if (inner.code !== 'REGISTRY_UNAVAILABLE' || typeof inner.data['reason'] !== 'string') return error
  const { code, message, hint, data, cause } = inner
  const details = { data, cause, ...(hint === undefined ? {} : { hint }) }
  return new SlipwayError(code, `failed to do request: ${message}`, details)
}
