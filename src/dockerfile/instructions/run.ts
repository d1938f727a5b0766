import { quoteGo } from '../../core/index.ts'
import type { Token } from '../logical-line.ts'
import { checkMountFrom, type Device, parseDevice } from '../mount.ts'
import type { DockerfileNode } from '../node.ts'
import { type CommandLine, commandLineOf } from './command-line.ts'
import { parseFlags } from './flags.ts'
import { type InstructionBase, malformed } from './malformed.ts'

const NETWORKS = ['default', 'none', 'host'] as const
const SECURITIES = ['sandbox', 'insecure'] as const

/** `RUN [flags] command`. The bodies of its here-documents are in the node. */
export interface RunInstruction extends InstructionBase<'run'> {
  readonly command: CommandLine
  /** Values of `--mount`; they may hold variables and become mounts by `parseMount`. */
  readonly mounts: readonly RunMount[]
  readonly network?: (typeof NETWORKS)[number]
  readonly security?: (typeof SECURITIES)[number]
  readonly devices: readonly Device[]
}

/** The value of one `--mount`. */
export interface RunMount extends Token {
  /** The image, stage or context of `from=`, which never holds variables. */
  readonly from?: string
}

/** Understands RUN. */
export function parseRun(node: DockerfileNode): RunInstruction {
  const flags = parseFlags(node, { device: 'list', mount: 'list', network: 'string', security: 'string' })
  const devices = flags.device.map(parseDevice)
  const mounts = flags.mount.map((value) => ({ ...value, ...checkMountFrom(value) }))
  const network = flags.network && oneOf(NETWORKS, flags.network, (value) => `invalid network mode ${value}`)
  const security = flags.security && oneOf(SECURITIES, flags.security, (value) => `security ${value} is not valid`)
  return {
    kind: 'run',
    node,
    command: commandLineOf(node.args, node.isJson),
    mounts,
    devices,
    ...(network ? { network } : {}),
    ...(security ? { security } : {}),
  }
}

function oneOf<T extends string>(choices: readonly T[], value: Token, message: (quoted: string) => string): T {
  const choice = choices.find((choice) => choice === value.text)
  if (choice === undefined) throw malformed(value, message(quoteGo(value.text)))
  return choice
}
