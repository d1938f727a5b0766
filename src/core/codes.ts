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

  // layer
  TAR_INVALID: { fault: 'invalid', about: 'A tar archive is malformed or ends too early.' },
  TAR_UNSUPPORTED: { fault: 'unsupported', about: 'A tar archive uses a kind of entry that no image layer can hold.' },
  LAYER_ENTRY_REFUSED: {
    fault: 'invalid',
    about: 'An entry of a layer or archive would leave its root, or is something that no layer may hold.',
  },
  LAYER_LINK_BROKEN: {
    fault: 'invalid',
    about: 'A hard link in a layer or archive has a target that is neither before it nor in a lower layer.',
  },
  LAYER_INDEX_INVALID: {
    fault: 'internal',
    about: 'The index of a layer is missing, damaged or of another version; it can be made again from the layer.',
  },
  LAYER_DATA_MISSING: {
    fault: 'not-found',
    about: 'The archive of a layer is not on this disk, or not all of it.',
  },
  LAYER_NAME_RESERVED: {
    fault: 'invalid',
    about: 'A file has a name that begins with `.wh.`, which image layers use to mark what is deleted.',
  },
  LAYER_SOURCE_DENIED: {
    fault: 'denied',
    about: 'A file that is to be copied into a layer cannot be read by this user.',
  },
  LAYER_SOURCE_CHANGED: {
    fault: 'conflict',
    about: 'A file changed while it was being copied into a layer.',
  },
  LAYER_LIMIT_EXCEEDED: {
    fault: 'invalid',
    about: 'A layer or archive has more entries, longer names or more bytes than is allowed.',
  },
  LAYER_UNPACK_FAILED: { fault: 'unavailable', about: 'A layer could not be written out as files on this host.' },
  TREE_NOT_FOUND: { fault: 'not-found', about: 'A path in an image leads to no file or directory.' },
  TREE_SYMLINK_LOOP: { fault: 'invalid', about: 'A path in an image leads through too many symlinks.' },
  TREE_FILE_TOO_LARGE: { fault: 'invalid', about: 'A file in an image is larger than such a file can sensibly be.' },
  COMPRESSION_INVALID: {
    fault: 'invalid',
    about: 'Compressed bytes are damaged, end too early, or are followed by something else.',
  },
  COMPRESSION_PROGRAM_MISSING: {
    fault: 'unavailable',
    about: 'The bzip2 or xz program, which reads this kind of compression, is not installed.',
  },
} as const

/** A name out of the table of codes. */
export type ErrorCode = keyof typeof CODES

/** The fault that a code belongs to. */
export function faultOf(code: ErrorCode): Fault {
  return CODES[code].fault
}
