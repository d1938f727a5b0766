import { quoteGoList } from '../../core/index.ts'
import type { CmdInstruction, CommandLine, EntrypointInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState } from './stage-state.ts'

const DEFAULT_SHELL = ['/bin/sh', '-c']

/** The arguments of a command: as they are, or the shell with the text. */
export function commandArguments(stage: ConfigState, command: CommandLine): string[] {
  return command.form === 'exec' ? [...command.args] : [...shellOf(stage), command.text]
}

/** What shell forms are run by. */
export function shellOf(stage: ConfigState): readonly string[] {
  return stage.config.Shell && stage.config.Shell.length > 0 ? stage.config.Shell : DEFAULT_SHELL
}

/** CMD. */
export function planCmd(stage: ConfigState, instruction: CmdInstruction): void {
  const args = commandArguments(stage, instruction.command)
  stage.config.Cmd = args
  // a leftover of Windows that Docker sets for every CMD
  stage.config.ArgsEscaped = true
  stage.cmdIsOwn = true
  addHistory(stage, `CMD ${quoteGoList(args)}`)
}

/** ENTRYPOINT: an inherited CMD was meant for the inherited entrypoint, and goes. */
export function planEntrypoint(stage: ConfigState, instruction: EntrypointInstruction): void {
  const args = commandArguments(stage, instruction.command)
  stage.config.Entrypoint = args
  if (!stage.cmdIsOwn) stage.config.Cmd = null
  addHistory(stage, `ENTRYPOINT ${quoteGoList(args)}`)
}
