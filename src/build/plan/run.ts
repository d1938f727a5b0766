import { fail } from '../../core/index.ts'
import { heredocBody, type RunInstruction } from '../../dockerfile/index.ts'
import type { RunOp } from '../ops/run.ts'
import { proxyEnvironment } from './arguments.ts'
import { commandArguments, shellOf } from './command.ts'
import { planMounts } from './run-mounts.ts'
import { addLayer, environmentOf, type StageState } from './stage-state.ts'
import { absolutePath } from './workdir.ts'

const HOSTNAME = 'buildkitsandbox'

/** RUN: what the shell is given, with the environment of the stage and what is mounted for it. */
export async function planRun(stage: StageState, instruction: RunInstruction): Promise<void> {
  checkEntitlements(stage, instruction)
  const { options } = stage.context
  const { args, script } = argumentsOf(stage, instruction)
  const { mounts, inputs, secretNames } = await planMounts(stage, instruction)
  const op: RunOp = {
    kind: 'run',
    args,
    script: script ?? null,
    env: environmentOf(stage),
    cwd: absolutePath(stage, ''),
    user: stage.config.User ?? '',
    network: instruction.network && instruction.network !== 'default' ? instruction.network : options.network,
    security: instruction.security ?? 'sandbox',
    hostname: options.buildArgs['BUILDKIT_SANDBOX_HOSTNAME'] ?? HOSTNAME,
    extraHosts: options.extraHosts,
    shmSize: options.shmSize ?? null,
    ulimits: options.ulimits ?? [],
    mounts,
    unkeyed: {
      proxyEnv: proxyEnvironment(options, stage.args),
      hostCa: options.hostCa ?? null,
      resources: options.resources ?? {},
      cgroupParent: options.cgroupParent ?? null,
      args: [...stage.args.keys()].filter((name) => !isSet(stage, name)),
    },
  }
  const createdBy = `RUN ${[...argumentList(stage), ...args].join(' ')} # buildkit`
  addLayer(stage, { instruction, op, inputs, createdBy, masked: secretNames })
}

/** By ENV, which wins over an argument of the same name. */
const isSet = ({ config }: StageState, name: string): boolean =>
  (config.Env ?? []).some((pair) => pair.startsWith(`${name}=`))

/** Build arguments as the history shows them: how many, then each with the value that the command saw. */
function argumentList(stage: StageState): string[] {
  if (stage.args.size === 0) return []
  const shown = [...stage.args].map(([name, value]) => `${name}=${stage.env.get(name) ?? value}`)
  return [`|${shown.length}`, ...shown]
}

interface Command {
  args: string[]
  /** A here-document with a `#!` line: a program of its own. */
  script?: { name: string; text: string }
}

/** A here-document that is all there is becomes the command; beside other words the shell gets it as it is written. */
function argumentsOf(stage: StageState, { command, node }: RunInstruction): Command {
  const [first] = node.heredocs
  if (!first) {
    const args = commandArguments(stage, command)
    if (args.length > 0) return { args }
    throw fail('DOCKERFILE_INVALID', 'failed to marshal LLB definition: arguments are required', { span: node.span })
  }
  if (command.form === 'exec') {
    throw fail('DOCKERFILE_INVALID', 'RUN in exec form cannot have a here-document', { span: node.span })
  }
  const isAlone = node.heredocs.length === 1 && /^\d*<<-?\s*\S+$/.test(command.text.trim())
  if (!isAlone) {
    const bodies = node.heredocs.map(({ content, name }) => `\n${content}${name}`).join('')
    return { args: [...shellOf(stage), command.text + bodies] }
  }
  const text = heredocBody(first)
  if (!text.startsWith('#!')) return { args: [...shellOf(stage), text] }
  return { args: [...shellOf(stage), `/dev/pipes/${first.name}`], script: { name: first.name, text } }
}

/** What could reach beyond the build is for its user to allow, not for the author of the Dockerfile. BuildKit's words. */
function checkEntitlements({ context }: StageState, { network, security, devices, node }: RunInstruction): void {
  const { allow = [] } = context.options
  const needed = [
    ...(network === 'host' ? ['network.host'] : []),
    ...(security === 'insecure' ? ['security.insecure'] : []),
  ]
  const missing = needed.find((entitlement) => !allow.includes(entitlement))
  if (missing !== undefined) {
    throw fail('ENTITLEMENT_MISSING', `failed to load LLB: ${missing} is not allowed`, {
      span: node.span,
      hint: `if you trust this Dockerfile, allow it with --allow ${missing}`,
    })
  }
  if (devices.length > 0) {
    const message = 'device feature is only supported in Dockerfile frontend 1.14.0-labs or later'
    throw fail('BUILD_UNSUPPORTED', message, { span: node.span, hint: 'RUN gets no devices of this machine.' })
  }
}
