import { type ErrorCode, type Fault, faultOf } from './codes.ts'
import type { SourceSpan } from './source.ts'

export type { ErrorCode, Fault } from './codes.ts'

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** What the user can do about it, as a sentence. */
  hint?: string
  /** The place in a file the user wrote. */
  span?: SourceSpan
  /** Facts for programs: paths, sizes, exit codes. */
  data?: Record<string, unknown>
  cause?: unknown
}

/** The only error type that leaves a room. Make one with `fail`. */
export class SlipwayError extends Error {
  readonly fault: Fault
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly span: SourceSpan | undefined
  readonly data: Record<string, unknown>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SlipwayError'
    this.code = code
    this.fault = faultOf(code)
    this.hint = details.hint
    this.span = details.span
    this.data = details.data ?? {}
  }
}

/** An error with a code of the table in `codes.ts`, which also gives its fault: `throw fail('DIGEST_INVALID', ...)`. */
export function fail(code: ErrorCode, message: string, details?: ErrorDetails): SlipwayError {
  return new SlipwayError(code, message, details)
}

/** Whether `error` is a Slipway error of one of these codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is SlipwayError {
  return error instanceof SlipwayError && codes.includes(error.code)
}

/** The error with a place in a file, unless it has one already or is not ours. */
export function withSpan(error: unknown, span: SourceSpan | undefined): unknown {
  if (!(error instanceof SlipwayError) || error.span || !span) return error
  const { code, message, hint, data, cause } = error
  return new SlipwayError(code, message, { span, data, cause, ...(hint === undefined ? {} : { hint }) })
}

/** The system's error name (`ENOENT`) of a failed `fs` call, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string'
    ? (error as NodeJS.ErrnoException).code
    : undefined
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
