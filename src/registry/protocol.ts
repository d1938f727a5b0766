/** Error codes of the distribution spec and their HTTP statuses, as the reference server sends them. */
export const PROTOCOL_ERRORS = {
  UNKNOWN: 500,
  UNSUPPORTED: 405,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNAVAILABLE: 503,
  TOOMANYREQUESTS: 429,
  DIGEST_INVALID: 400,
  SIZE_INVALID: 400,
  RANGE_INVALID: 416,
  NAME_INVALID: 400,
  TAG_INVALID: 400,
  NAME_UNKNOWN: 404,
  MANIFEST_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNVERIFIED: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 404,
  PAGINATION_NUMBER_INVALID: 400,
} as const

/** A code in the body of a registry's error. */
export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS

/** One error as it stands in the body `{"errors": [...]}`. */
export interface ProtocolError {
  readonly code: string
  readonly message: string
  readonly detail?: unknown
}
