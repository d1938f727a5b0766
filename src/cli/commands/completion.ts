import { type Command, defineCommand } from '../command.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { readCompletionModel } from '../completion/model.ts'
import { zshScript } from '../completion/zsh.ts'
import { PROGRAM } from '../help.ts'

type Shell = 'bash' | 'fish' | 'zsh'

const SCRIPTS: Readonly<Record<Shell, typeof bashScript>> = { bash: bashScript, fish: fishScript, zsh: zshScript }

const LOAD: Readonly<Record<Shell, string>> = {
  bash: `source <(${PROGRAM} completion bash)`,
  fish: `${PROGRAM} completion fish | source`,
  zsh: `source <(${PROGRAM} completion zsh)`,
}

/** `slipway completion SHELL`: the script, made from the table of commands. */
export function completionCommand(shell: Shell): Command {
  return defineCommand({
    usage: '',
    description: `Generate the autocompletion script for ${shell}.\nTo use it now and in new sessions, run this in your shell's start file:\n\n  ${LOAD[shell]}`,
    operands: { min: 0, max: 0 },
    flags: {},
    async run({ io, table }) {
      await io.stdout.write(SCRIPTS[shell](PROGRAM, await readCompletionModel(table)))
      return 0
    },
  })
}
