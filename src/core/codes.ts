/** The ten ways anything in Slipway can fail. Each face maps these to exit codes, HTTP statuses and OCI codes. */
export type Fault =
  | 'invalid'
  | 'not-found'
  | 'exists'
  | 'conflict'
  | 'unauthorized'
  | 'denied'
  | 'unavailable'
  | 'unsupported'
  | 'canceled'
  | 'internal'

/**
 * Every error code there is, grouped by room: its fault, and one sentence that says when a user meets it.
 * `docs/errors.md` is made from this table.
 */
export const CODES = {
  // core
  DIGEST_INVALID: {
    fault: 'invalid',
    about: 'A digest is not `sha256:` or `sha512:` followed by the right number of hex digits.',
  },
  CONTENT_MISMATCH: { fault: 'invalid', about: 'Bytes do not have the size or digest that was declared for them.' },
  JSON_INVALID: { fault: 'invalid', about: 'A JSON document is malformed, too large or nested too deeply.' },
  CANCELED: { fault: 'canceled', about: 'The user or the calling program stopped the work.' },
  INTERNAL: { fault: 'internal', about: 'Something that should not happen did; please report it.' },

  // oci
  IMAGE_NOT_FOUND: { fault: 'not-found', about: 'No image has this name, tag or digest.' },
  BLOB_NOT_FOUND: { fault: 'not-found', about: 'The content that a manifest names is not there.' },

  // cli
  USAGE_INVALID: {
    fault: 'invalid',
    about: 'The command line names an unknown command or flag, or lacks an argument.',
  },
  TEMPLATE_INVALID: { fault: 'invalid', about: 'The text given to --format is not a valid Go template.' },
  TEMPLATE_FAILED: { fault: 'invalid', about: 'A --format template asks for something that the data does not have.' },
} as const

/** A name out of the table of codes. */
export type ErrorCode = keyof typeof CODES

/** The fault that a code belongs to. */
export function faultOf(code: ErrorCode): Fault {
  return CODES[code].fault
}
