import type { FlagValues } from '../flags.ts'
import { PROGRESS_MODES } from '../render/progress/index.ts'
import { DEFINITION_FLAGS } from './definition.ts'
import { parseUlimit } from './limits.ts'

/** `true` and `false` are what Docker's switch of this name takes. */
function checkSquash(text: string): void {
  if (!['new', 'all', 'true', 'false'].includes(text)) throw new Error('must be "new" or "all"')
}

const OWN_FLAGS = {
  'add-host': { kind: 'list', placeholder: 'strings', about: 'Add a custom host-to-IP mapping (format: "host:ip")' },
  allow: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Allow extra privileged entitlement (e.g., "network.host", "security.insecure", "device")',
  },
  annotation: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Add annotation to the image',
  },
  attest: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Attestation parameters (format: "type=sbom" or "type=provenance,mode=max")',
  },
  builder: { kind: 'string', about: 'Override the configured builder instance (there is one: any name will do)' },
  'cache-from': {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'External cache sources (e.g., "type=local,src=path/to/dir")',
  },
  'cache-to': {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Cache export destinations (e.g., "type=local,dest=path/to/dir")',
  },
  call: {
    kind: 'string',
    default: 'build',
    about: 'Set method for evaluating build ("check", "outline", "targets")',
  },
  'cgroup-parent': { kind: 'string', about: 'Set the parent cgroup for the "RUN" instructions during build' },
  check: { kind: 'bool', about: 'Shorthand for "--call=check"' },
  'expect-cached': {
    kind: 'list',
    placeholder: 'step',
    about: 'Exit with 3 when this step is not found in the cache (number, "stage n/m", or part of the instruction)',
  },
  debug: {
    kind: 'bool',
    short: 'D',
    about: 'In a terminal, open a shell where a step failed; more is said of errors',
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
  load: { kind: 'bool', about: 'Shorthand for "--output=type=docker"' },
  'metadata-file': { kind: 'string', completes: 'file', about: 'Write build result metadata to a file' },
  network: {
    kind: 'string',
    default: 'default',
    about: 'Set the networking mode for the "RUN" instructions during build',
  },
  'no-cache': { kind: 'bool', about: 'Do not use cache when building the image' },
  'no-cache-filter': { kind: 'list', placeholder: 'stringArray', about: 'Do not cache specified stages' },
  output: {
    kind: 'list',
    short: 'o',
    placeholder: 'stringArray',
    about: 'Output destination (format: "type=local,dest=path")',
  },
  parallel: { kind: 'int', min: 1, about: 'Steps that run at the same time (default 16; SLIPWAY_PARALLELISM)' },
  progress: {
    kind: 'string',
    default: 'auto',
    about:
      `Set type of progress output (${PROGRESS_MODES.map((mode) => `"${mode}"`).join(', ')}). Use plain to show container output` as string,
  },
  provenance: { kind: 'string', about: 'Shorthand for "--attest=type=provenance"' },
  pull: { kind: 'bool', about: 'Always attempt to pull all referenced images' },
  push: { kind: 'bool', about: 'Shorthand for "--output=type=registry"' },
  quiet: { kind: 'bool', short: 'q', about: 'Suppress the build output and print image ID on success' },
  report: {
    kind: 'string',
    bare: 'table',
    check: (text: string): void => {
      if (text !== 'table' && text !== 'json') throw new Error('must be table or json')
    },
    about: 'Print time, size and cache state of each step when the build has ended ("table", "json")',
  },
  resource: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Limit what "RUN" instructions take of the machine (format: "memory=512m", "cpu-quota=50000")',
  },
  resume: { kind: 'bool', about: 'Without PATH: do the latest build, which failed, again' },
  sbom: { kind: 'string', about: 'Shorthand for "--attest=type=sbom"' },
  secret: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")',
  },
  'shm-size': { kind: 'size', about: 'Shared memory size for build containers' },
  squash: {
    kind: 'string',
    bare: 'new',
    check: checkSquash as (text: string) => void,
    about: 'Make one layer of all new ones ("new"), or of the whole image ("all")',
  },
  ssh: {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")',
  },
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
  ulimit: {
    kind: 'list',
    placeholder: 'ulimit',
    about: 'Ulimit options',
    check: (text: string): void => void parseUlimit(text),
  },
  watch: { kind: 'bool', about: 'Build again whenever a file changes that the build uses' },
  'verify-reproducible': { kind: 'bool', about: 'Build again without the cache, and show what comes out otherwise' },
  // accepted for the sake of scripts: there is one builder, and intermediate containers never stay
  compress: { kind: 'bool', hidden: true, about: 'Compress the build context using gzip' },
  'cpu-period': { kind: 'int', hidden: true, about: 'Limit the CPU CFS (Completely Fair Scheduler) period' },
  'cpu-quota': { kind: 'int', hidden: true, about: 'Limit the CPU CFS (Completely Fair Scheduler) quota' },
  'cpu-shares': { kind: 'int', short: 'c', hidden: true, about: 'CPU shares (relative weight)' },
  'cpuset-cpus': { kind: 'string', hidden: true, about: 'CPUs in which to allow execution ("0-3", "0,1")' },
  'cpuset-mems': { kind: 'string', hidden: true, about: 'MEMs in which to allow execution ("0-3", "0,1")' },
  'force-rm': { kind: 'bool', hidden: true, about: 'Always remove intermediate containers' },
  isolation: { kind: 'string', hidden: true, about: 'Container isolation technology' },
  memory: { kind: 'size', short: 'm', hidden: true, about: 'Memory limit' },
  'memory-swap': {
    kind: 'string',
    hidden: true,
    about: 'Swap limit equal to memory plus swap: "-1" to enable unlimited swap',
  },
  print: { kind: 'string', hidden: true, about: 'The old name of "--call"' },
  rm: { kind: 'bool', default: true, hidden: true, about: 'Remove intermediate containers after a successful build' },
  'security-opt': { kind: 'list', placeholder: 'strings', hidden: true, about: 'Security options' },
} as const

/** The flags of `build`. */
export const FLAGS: typeof DEFINITION_FLAGS & typeof OWN_FLAGS = { ...DEFINITION_FLAGS, ...OWN_FLAGS }

/** Their values. */
export type BuildFlags = FlagValues<typeof FLAGS>
