import { PROTOCOL_ERRORS, type ProtocolErrorCode } from '../../registry/index.ts'

/**
 * Why a request is refused, as the distribution protocol says it. Whatever throws one while a request is answered (the
 * protocol itself, rights, policies) decides code, status and headers of the answer.
 */
export class ProtocolFailure extends Error {
  readonly code: ProtocolErrorCode
  readonly status: number
  readonly detail: unknown
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProtocolErrorCode, message: string, more: FailureDetails = {}) {
    super(message)
    this.name = 'ProtocolFailure'
    this.code = code
    this.status = more.status ?? PROTOCOL_ERRORS[code]
    this.detail = more.detail
    this.headers = more.headers ?? {}
  }
}

/** What a failure may carry beside its message. */
export interface FailureDetails {
  /** Another status than the one of the code. */
  status?: number
  detail?: unknown
  headers?: Readonly<Record<string, string>>
}

/** A failure with a code of the protocol: `throw refuse('DENIED', 'the quota of team/ is used up')`. */
export function refuse(code: ProtocolErrorCode, message: string, more?: FailureDetails): ProtocolFailure {
  return new ProtocolFailure(code, message, more)
}

/** The body of an answer that reports failures. */
export function failureBody(failure: ProtocolFailure): string {
  const { code, message, detail } = failure
  return JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] })
}
