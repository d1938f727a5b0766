import { fail } from '../../core/index.ts'
import { heredocBody, type RunInstruction } from '../../dockerfile/index.ts'
import type { RunOp } from '../ops/run.ts'
import { proxyEnvironment } from './arguments.ts'
import { commandArguments, shellOf } from './command.ts'
import { addLayer, environmentOf, type StageState } from './stage-state.ts'
import { absolutePath } from './workdir.ts'

const HOSTNAME = 'buildkitsandbox'

/** RUN: what the shell is given, with the environment of the stage. */
export function planRun(stage: StageState, instruction: RunInstruction): void {
  refuseUnknown(instruction)
  const { options } = stage.context
  const { args, script } = argumentsOf(stage, instruction)
  const op: RunOp = {
    kind: 'run',
    args,
    script: script ?? null,
    env: environmentOf(stage),
    cwd: absolutePath(stage, ''),
    user: stage.config.User ?? '',
    network: instruction.network && instruction.network !== 'default' ? instruction.network : options.network,
    hostname: options.buildArgs['BUILDKIT_SANDBOX_HOSTNAME'] ?? HOSTNAME,
    extraHosts: options.extraHosts,
    shmSize: options.shmSize ?? null,
    unkeyed: {
      proxyEnv: proxyEnvironment(options, stage.args),
      hostCa: options.hostCa ?? null,
    },
  }
  addLayer(stage, { instruction, op, createdBy: `RUN ${[...argumentList(stage), ...args].join(' ')} # buildkit` })
}

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
  if (!first) return { args: commandArguments(stage, command) }
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

function refuseUnknown(instruction: RunInstruction): void {
  const { mounts, devices, security } = instruction
  const found =
    mounts.length > 0
      ? '--mount'
      : devices.length > 0
        ? '--device'
        : security === 'insecure'
          ? '--security=insecure'
          : ''
  if (found === '') return
  throw fail('BUILD_UNSUPPORTED', `RUN ${found} is not supported yet`, { span: instruction.node.span })
}
