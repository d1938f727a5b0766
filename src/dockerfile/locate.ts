import { SlipwayError, type SourceSpan } from '../core/index.ts'

/** The same error with a place, unless it has a nearer one; `prefix` goes in front of its message. */
export function located(error: unknown, span: SourceSpan, prefix = ''): unknown {
  if (!(error instanceof SlipwayError) || (error.span && prefix === '')) return error
  return new SlipwayError(error.code, prefix + error.message, {
    span: error.span ?? span,
    data: error.data,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  })
}
