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
  DISK_FULL: { fault: 'unavailable', about: 'There is no space left on the disk, or in the quota.' },
  DISK_FAILED: { fault: 'unavailable', about: 'The disk cannot be read or written: it is damaged, or read-only.' },
  INTERNAL: { fault: 'internal', about: 'Something that should not happen did; please report it.' },

  // oci
  TRANSFER_NOT_FOUND: { fault: 'not-found', about: 'No unfinished transfer has this digest.' },
  TRANSFER_ACTIVE: { fault: 'conflict', about: 'A transfer cannot be forgotten while a process is at it.' },
  IMAGE_NOT_FOUND: { fault: 'not-found', about: 'No image has this name, tag or digest.' },
  BLOB_NOT_FOUND: { fault: 'not-found', about: 'The content that a manifest names is not there.' },
  MANIFEST_INVALID: { fault: 'invalid', about: 'A manifest or index breaks the rules of the OCI image specification.' },
  MANIFEST_UNSUPPORTED: {
    fault: 'unsupported',
    about: 'A manifest is of a kind that is no longer supported (schema 1).',
  },
  CONFIG_INVALID: {
    fault: 'invalid',
    about: 'An image config breaks the rules of the OCI image specification, or does not fit its manifest.',
  },
  PLATFORM_INVALID: { fault: 'invalid', about: 'A platform is not written as os[/architecture[/variant]].' },
  PLATFORM_NOT_FOUND: { fault: 'not-found', about: 'An image has no variant for the platform that was asked for.' },
  REFERENCE_INVALID: {
    fault: 'invalid',
    about: 'An image name, tag or digest does not follow the grammar of references.',
  },

  // host
  FILE_TOO_LARGE: { fault: 'invalid', about: 'A file that must be read whole is larger than the limit for its kind.' },
  MOUNTS_SHARED: { fault: 'unsupported', about: 'A mount namespace of our own is not possible in this chroot.' },
  PROGRAM_MISSING: { fault: 'unavailable', about: 'A program that Slipway needs is not installed on this machine.' },
  PROGRAM_FAILED: { fault: 'internal', about: 'A program that Slipway started ended with an error.' },

  // registry client
  REGISTRY_UNAUTHORIZED: {
    fault: 'unauthorized',
    about: 'A registry wants to know who is asking, or does not know the user or the password it was given.',
  },
  REGISTRY_DENIED: { fault: 'denied', about: 'A registry knows who is asking and does not allow what was asked.' },
  REGISTRY_UNAVAILABLE: {
    fault: 'unavailable',
    about: 'A registry cannot be reached, breaks off, or answers that it cannot serve now, also after several tries.',
  },
  REGISTRY_RATE_LIMITED: {
    fault: 'unavailable',
    about: 'A registry answers that it was asked too often, and the time it wants us to wait is too long.',
  },
  REGISTRY_INVALID_ANSWER: {
    fault: 'invalid',
    about: 'A registry answers something that the distribution protocol does not allow.',
  },
  REGISTRY_UNSUPPORTED: {
    fault: 'unsupported',
    about: 'A registry cannot do what was asked, or its operator has switched it off: deleting, perhaps.',
  },
  REGISTRY_BLOCKED: { fault: 'denied', about: 'The configuration of this machine forbids a registry.' },
  REGISTRY_CONFIG_INVALID: {
    fault: 'invalid',
    about: 'A file that says something about registries, certificates or credentials makes no sense.',
  },
  CREDENTIAL_HELPER_FAILED: {
    fault: 'unavailable',
    about: 'A program that keeps credentials (docker-credential-...) is missing or ended with an error.',
  },

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

  CALL_UNKNOWN: { fault: 'invalid', about: '`build --call` was asked for something that it does not know.' },

  // lint
  CHECK_INVALID: { fault: 'invalid', about: 'The text of `# check=` or BUILDKIT_DOCKERFILE_CHECK is malformed.' },
  LINT_VIOLATION: {
    fault: 'invalid',
    about: 'A check found something in the Dockerfile, which asks with `error=true` to fail then.',
  },

  // dockerfile
  DOCKERFILE_INVALID: { fault: 'invalid', about: 'A Dockerfile, or one of its instructions, is malformed.' },
  VARIABLE_INVALID: {
    fault: 'invalid',
    about: 'A `$variable` in a Dockerfile is malformed, or a required one is not set.',
  },
  VARIABLE_TOO_LARGE: { fault: 'invalid', about: 'Expanding variables would make a value of unreasonable size.' },
  PATTERN_INVALID: { fault: 'invalid', about: 'A pattern of `.dockerignore`, COPY or ADD is malformed.' },
  PORT_INVALID: { fault: 'invalid', about: 'A port or a range of ports is malformed.' },
  DURATION_INVALID: { fault: 'invalid', about: 'A duration is not of the form `1m30s`.' },
  MOUNT_INVALID: { fault: 'invalid', about: 'The value of a `--mount` or `--device` flag is malformed.' },

  // image
  IMAGE_INVALID: { fault: 'invalid', about: 'An image defined in TypeScript asks for what no Dockerfile could say.' },
  IMAGE_MODULE_FAILED: { fault: 'invalid', about: 'A module that should define an image failed, or defines none.' },

  // store
  STORE_UNUSABLE: { fault: 'unavailable', about: 'The store folder cannot be read or written.' },
  STORE_BUSY: { fault: 'unavailable', about: 'Other processes kept the store from being changed for too long.' },
  STORE_DAMAGED: { fault: 'internal', about: "The store's database is damaged." },
  LEASE_LOST: {
    fault: 'conflict',
    about: 'A process in another pid namespace was stopped for so long that its unfinished work was cleaned up.',
  },
  STORE_TOO_NEW: { fault: 'unsupported', about: 'The store was written by a newer version.' },
  IMAGE_ID_AMBIGUOUS: { fault: 'invalid', about: 'The beginning of an image id fits several images.' },
  CONTAINER_NAME_TAKEN: { fault: 'conflict', about: 'Another container has this name.' },
  CACHE_MOUNT_NOT_FOUND: { fault: 'not-found', about: 'No cache mount has this id or key.' },
  CACHE_MOUNT_AMBIGUOUS: { fault: 'invalid', about: 'An id, or the beginning of a key, fits several cache mounts.' },
  CACHE_MOUNT_IN_USE: { fault: 'conflict', about: 'A build uses the cache mount at this moment.' },
  CACHE_MOUNT_COPY: { fault: 'invalid', about: 'Files cannot be copied into or out of a cache mount as asked.' },
  CONTAINER_AMBIGUOUS: { fault: 'invalid', about: 'The beginning of a container id fits several containers.' },

  // transfer
  NAME_AMBIGUOUS: { fault: 'conflict', about: 'A name stands for several images of one folder or archive.' },
  LAYOUT_INVALID: { fault: 'invalid', about: 'A folder is not an OCI image layout, or its files are damaged.' },
  ARCHIVE_INVALID: { fault: 'invalid', about: 'A file is not an image archive, or one that is damaged.' },
  COPY_FAILED: { fault: 'unavailable', about: 'Content could not be read at its source or written at its target.' },

  // places
  PLACE_INVALID: {
    fault: 'invalid',
    about: 'A place to copy from or to is not written as `docker://NAME`, `oci:FOLDER:TAG`, `dir:FOLDER` and the like.',
  },
  LIST_EXISTS: { fault: 'exists', about: 'A manifest list of this name is being collected already.' },
  PLACE_UNSUPPORTED: { fault: 'unsupported', about: 'An image cannot be copied from or to a place of this kind.' },

  // container
  PLATFORM_FOREIGN: {
    fault: 'unsupported',
    about: 'A program is for another kind of machine, and the kernel has no emulator for it that works in containers.',
  },
  ROOT_NEEDED: { fault: 'denied', about: 'The kernel allows this only to root.' },
  RUNTIME_FAILED: { fault: 'internal', about: 'The OCI runtime (crun, runc) could not start the process.' },
  RUNTIME_MISSING: { fault: 'unavailable', about: 'No OCI runtime that works was found on this machine.' },
  USER_UNKNOWN: { fault: 'invalid', about: 'The image has no user or group of this name.' },
  USER_INVALID: { fault: 'invalid', about: 'A USER or --user value is not a user and an optional group.' },

  // engine
  FILTER_INVALID: {
    fault: 'invalid',
    about: 'A `--filter` names a condition that does not exist, or gives it a bad value.',
  },
  CONTEXT_MISSING: { fault: 'not-found', about: 'The folder given as build context is not there.' },
  DOCKERFILE_MISSING: { fault: 'not-found', about: 'There is no Dockerfile where it was looked for.' },
  EPOCH_INVALID: {
    fault: 'invalid',
    about: 'SOURCE_DATE_EPOCH is neither a number of seconds nor something that has a time.',
  },
  SYNTAX_UNKNOWN: {
    fault: 'unsupported',
    about: 'A Dockerfile asks with `# syntax=` for another language than its own.',
  },
  WATCH_FAILED: { fault: 'unavailable', about: 'The system does not let so many folders be watched.' },
  LOCK_INCOMPLETE: { fault: 'not-found', about: 'A locked build needs something that Dockerfile.lock does not name.' },
  LOCK_BROKEN: { fault: 'conflict', about: 'Something is no longer what Dockerfile.lock says it is.' },
  LOCK_INVALID: {
    fault: 'invalid',
    about: 'A file Dockerfile.lock is malformed, or there is none where one is needed.',
  },
  ATTESTATION_INVALID: {
    fault: 'invalid',
    about: 'An attestation is of no known type, or one of its attributes makes no sense.',
  },
  BUILD_AMBIGUOUS: { fault: 'invalid', about: 'The beginning of the id of a build fits several builds.' },
  BUILD_RECORD_INVALID: { fault: 'invalid', about: 'The record of a build says nothing that can be understood.' },
  BUILD_RUNNING: { fault: 'conflict', about: 'This cannot be done while the build is under way.' },
  BOOTSTRAP_UNKNOWN: { fault: 'invalid', about: 'There is no recipe for a base image of this name.' },
  IMAGE_IN_USE: { fault: 'conflict', about: 'A container, or another name, keeps an image from being removed.' },
  DIFF_NEEDS_TWO: { fault: 'invalid', about: 'An image alone has nothing to be compared with.' },
  COPY_TARGET_INVALID: { fault: 'invalid', about: 'Files cannot be copied to where `cp` was asked to.' },
  RESUME_IMPOSSIBLE: { fault: 'invalid', about: 'There is no build that failed and could be done again.' },
  STEP_GONE: { fault: 'not-found', about: 'What a step of an earlier build left is not in the store (any more).' },
  CONTAINER_NOT_FOUND: { fault: 'not-found', about: 'No container has this name or id.' },
  CONTAINER_RUNNING: { fault: 'conflict', about: 'This cannot be done while the container runs.' },
  CONTAINER_INVALID: { fault: 'invalid', about: 'A container cannot be made from what was asked for.' },
  BUILD_NOT_FOUND: { fault: 'not-found', about: 'No build that is remembered has this id, or there is none at all.' },
  STEP_UNKNOWN: { fault: 'not-found', about: 'A build has no step of the given number, name or stage.' },

  // build
  COPY_SOURCE_MISSING: {
    fault: 'not-found',
    about: 'COPY or ADD names a file that is not there, or that .dockerignore excludes.',
  },
  COPY_CONFLICT: {
    fault: 'invalid',
    about: 'COPY, ADD or WORKDIR would put a folder where a file is, or the reverse.',
  },
  SYMLINK_LOOP: { fault: 'invalid', about: 'Symbolic links lead to one another in a circle.' },
  CONTEXT_CHANGED: { fault: 'conflict', about: 'A file of the build context changed while it was being copied.' },
  DOWNLOAD_FAILED: { fault: 'unavailable', about: 'A URL could not be fetched.' },
  GIT_URL_INVALID: {
    fault: 'invalid',
    about: 'The address of a git repository says something that is not understood.',
  },
  GIT_REF_NOT_FOUND: { fault: 'not-found', about: 'A git repository has no such branch, tag, commit or folder.' },
  GIT_FAILED: { fault: 'unavailable', about: 'A git repository could not be fetched or read.' },
  GIT_REFUSED: {
    fault: 'invalid',
    about: 'A git repository holds what it must not: a file named `.git`, submodules without end, too many bytes.',
  },
  BUILD_UNSUPPORTED: { fault: 'unsupported', about: 'A Dockerfile feature that this version does not have.' },
  CACHE_INVALID: { fault: 'invalid', about: 'What `--cache-from` names is not a build cache, or is damaged.' },
  MODE_INVALID: { fault: 'invalid', about: 'A `--chmod` value is neither an octal number nor a symbolic mode.' },
  RUN_FAILED: { fault: 'invalid', about: 'The command of a RUN instruction ended with an error.' },
  ENTITLEMENT_MISSING: {
    fault: 'denied',
    about: 'A RUN instruction asks for the network of the host, or for privileges, that the build was not allowed.',
  },
  SECRET_MISSING: {
    fault: 'not-found',
    about: 'A RUN instruction requires a secret or an SSH agent that the build was not given, or that cannot be read.',
  },
  SECRET_INVALID: {
    fault: 'invalid',
    about: 'A secret is too large, is no single line where it becomes a header, or is no private key for SSH.',
  },
  STAGE_COMMENT_INVALID: {
    fault: 'invalid',
    about: 'A `# slipway:` comment of a Dockerfile says nothing that is known.',
  },
  HOST_CA_MISSING: {
    fault: 'not-found',
    about: '`--host-ca` found no file of certificate authorities on this machine.',
  },
  EXPORT_FAILED: { fault: 'unavailable', about: 'A file of an output of a build could not be written.' },
  EXPORT_CONFLICT: {
    fault: 'conflict',
    about: 'Outputs of two platforms have a file of the same name, and are not kept apart.',
  },
  OUTPUT_INVALID: { fault: 'invalid', about: 'An output of a build, or one of its options, makes no sense.' },
  OUTPUT_UNSUPPORTED: { fault: 'unsupported', about: 'Slipway cannot make this output of a build (yet).' },

  // registry server
  REGISTRY_UPKEEP_FAILED: { fault: 'conflict', about: 'A registry server could not do what a command asked of it.' },
  REGISTRY_IN_USE: { fault: 'conflict', about: 'Another registry server works with the folder.' },
  REGISTRY_UNUSABLE: { fault: 'unavailable', about: 'The folder of a registry cannot be read or written.' },
  REGISTRY_LISTEN_FAILED: { fault: 'unavailable', about: 'A server cannot listen at the address it was given.' },

  // registry server: access
  ACCESS_INVALID: {
    fault: 'invalid',
    about: 'A rule, pattern, scope or key of the registry server, or the name of a robot token, makes no sense.',
  },
  HTPASSWD_INVALID: {
    fault: 'invalid',
    about: 'A file of users cannot be read, or a line of it is something else than a name and a bcrypt hash.',
  },
  ROBOT_EXISTS: { fault: 'exists', about: 'There is a robot token with this name already.' },
  ROBOT_NOT_FOUND: { fault: 'not-found', about: 'No robot token of this registry has this name.' },
  REGISTRY_EXPOSED: {
    fault: 'denied',
    about: 'The registry server would be open to the network without users or without TLS.',
  },
  CERTIFICATE_INVALID: { fault: 'invalid', about: 'A certificate or key of the registry server cannot be used.' },

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
