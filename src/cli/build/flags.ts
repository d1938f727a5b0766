import type { FlagValues } from '../flags.ts'
import { PROGRESS_MODES } from '../render/progress/index.ts'
import { DEFINITION_FLAGS } from './definition.ts'

const OWN_FLAGS = {
  'add-host': { kind: 'list', placeholder: 'strings', about: 'Add a custom host-to-IP mapping (format: "host:ip")' },
  attest: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Attestation parameters (format: "type=sbom" or "type=provenance,mode=max")',
  },
  'expect-cached': {
    kind: 'list',
    placeholder: 'step',
    about: 'Exit with 3 when this step is not found in the cache (number, "stage n/m", or part of the instruction)',
  },
  explain: {
    kind: 'string',
    placeholder: 'format',
    bare: 'text',
    about: 'Say of each step why it was found in the cache or not ("text", "json")',
  },
  'host-ca': {
    kind: 'bool',
    about: "RUN steps trust this machine's certificate authorities (they do not get into the image)",
  },
  iidfile: { kind: 'string', completes: 'file', about: 'Write the image ID to a file' },
  label: { kind: 'list', placeholder: 'stringArray', about: 'Set metadata for an image' },
  locked: {
    kind: 'bool',
    about: 'Images, URLs and git references are what Dockerfile.lock says, or the build fails',
  },
  network: {
    kind: 'string',
    default: 'default',
    about: 'Set the networking mode for the "RUN" instructions during build',
  },
  'no-cache': { kind: 'bool', about: 'Do not use cache when building the image' },
  'no-cache-filter': { kind: 'list', placeholder: 'stringArray', about: 'Do not cache specified stages' },
  parallel: { kind: 'int', min: 1, about: 'Steps that run at the same time (default 16; SLIPWAY_PARALLELISM)' },
  progress: {
    kind: 'string',
    default: 'auto',
    about: `Set type of progress output (${PROGRESS_MODES.map((mode) => `"${mode}"`).join(', ')})` as string,
  },
  provenance: { kind: 'string', about: 'Shorthand for "--attest=type=provenance"' },
  pull: { kind: 'bool', about: 'Always attempt to pull all referenced images' },
  quiet: { kind: 'bool', short: 'q', about: 'Suppress the build output and print image ID on success' },
  sbom: { kind: 'string', about: 'Shorthand for "--attest=type=sbom"' },
  'shm-size': { kind: 'size', about: 'Shared memory size for build containers' },
  tag: {
    kind: 'list',
    short: 't',
    placeholder: 'stringArray',
    about: 'Image identifier (format: "[registry/]repository[:tag]")',
  },
  'update-lock': {
    kind: 'string',
    placeholder: 'names',
    bare: '*',
    about: 'Write Dockerfile.lock anew, or these names and URLs in it, and go by it',
  },
  // for an error that says what it is that is missing
  secret: { kind: 'list', placeholder: 'stringArray', hidden: true, about: 'Secret to expose to the build' },
  ssh: {
    kind: 'list',
    placeholder: 'stringArray',
    hidden: true,
    about: 'SSH agent socket or keys to expose to the build',
  },
  // accepted for the sake of scripts: there is one builder, and intermediate containers never stay
  builder: { kind: 'string', hidden: true, about: 'Override the configured builder instance' },
  'force-rm': { kind: 'bool', hidden: true, about: 'Always remove intermediate containers' },
  load: { kind: 'bool', hidden: true, about: 'Shorthand for "--output=type=docker"' },
  rm: { kind: 'bool', default: true, hidden: true, about: 'Remove intermediate containers after a successful build' },
} as const

/** The flags of `build`. */
export const FLAGS: typeof DEFINITION_FLAGS & typeof OWN_FLAGS = { ...DEFINITION_FLAGS, ...OWN_FLAGS }

/** Their values. */
export type BuildFlags = FlagValues<typeof FLAGS>
