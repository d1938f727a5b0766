import type { FlagValues } from '../flags.ts'
import { PROGRESS_MODES } from '../render/progress/index.ts'

/** `true` and `false` are what Docker's switch of this name takes. */
function checkSquash(text: string): void {
  if (!['new', 'all', 'true', 'false'].includes(text)) throw new Error('must be "new" or "all"')
}

/** The flags of `build`. */
export const FLAGS = {
  'add-host': { kind: 'list', placeholder: 'strings', about: 'Add a custom host-to-IP mapping (format: "host:ip")' },
  annotation: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Add annotation to the image',
  },
  'build-arg': { kind: 'list', placeholder: 'stringArray', about: 'Set build-time variables' },
  file: { kind: 'string', short: 'f', completes: 'file', about: 'Name of the Dockerfile (default: "PATH/Dockerfile")' },
  'host-ca': {
    kind: 'bool',
    about: "RUN steps trust this machine's certificate authorities (they do not get into the image)",
  },
  iidfile: { kind: 'string', completes: 'file', about: 'Write the image ID to a file' },
  label: { kind: 'list', placeholder: 'stringArray', about: 'Set metadata for an image' },
  load: { kind: 'bool', about: 'Shorthand for "--output=type=docker"' },
  'metadata-file': { kind: 'string', completes: 'file', about: 'Write build result metadata to a file' },
  network: {
    kind: 'string',
    default: 'default',
    about: 'Set the networking mode for the "RUN" instructions during build',
  },
  'no-cache': { kind: 'bool', about: 'Do not use cache when building the image' },
  output: {
    kind: 'list',
    short: 'o',
    placeholder: 'stringArray',
    about: 'Output destination (format: "type=local,dest=path")',
  },
  platform: { kind: 'list', placeholder: 'stringArray', about: 'Set target platform for build' },
  progress: {
    kind: 'string',
    default: 'auto',
    about: `Set type of progress output (${PROGRESS_MODES.map((mode) => `"${mode}"`).join(', ')})` as string,
  },
  push: { kind: 'bool', about: 'Shorthand for "--output=type=registry"' },
  pull: { kind: 'bool', about: 'Always attempt to pull all referenced images' },
  quiet: { kind: 'bool', short: 'q', about: 'Suppress the build output and print image ID on success' },
  'shm-size': { kind: 'size', about: 'Shared memory size for build containers' },
  squash: {
    kind: 'string',
    bare: 'new',
    check: checkSquash as (text: string) => void,
    about: 'Make one layer of all new ones ("new"), or of the whole image ("all")',
  },
  tag: {
    kind: 'list',
    short: 't',
    placeholder: 'stringArray',
    about: 'Image identifier (format: "[registry/]repository[:tag]")',
  },
  target: { kind: 'string', about: 'Set the target build stage to build' },
  'verify-reproducible': { kind: 'bool', about: 'Build again without the cache, and show what comes out otherwise' },
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
  rm: { kind: 'bool', default: true, hidden: true, about: 'Remove intermediate containers after a successful build' },
} as const

/** Their values. */
export type BuildFlags = FlagValues<typeof FLAGS>
