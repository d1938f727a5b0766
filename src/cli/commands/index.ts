import type { CommandEntry, CommandTable } from '../command.ts'
import type { DebugName } from './debug.ts'

/** All commands. A module is loaded when its command is called; `--help` needs only this table. */
export const COMMANDS: CommandTable = {
  groups: [
    { path: 'completion', summary: 'Generate the autocompletion script for the specified shell' },
    { path: 'debug', summary: 'Ask parts of Slipway about rows of JSON', hidden: true },
  ],
  commands: [
    completion('bash'),
    completion('fish'),
    completion('zsh'),
    debug('template', 'Run templates: {"text","data"} to {"output"} or {"error"}'),
    { paths: ['help'], summary: 'Help about the command', hidden: true, load: () => import('./help.ts') },
    {
      paths: ['version'],
      summary: 'Show the Slipway version information',
      common: 12,
      load: () => import('./version.ts'),
    },
    {
      paths: ['__complete'],
      summary: 'Names for shells to complete',
      hidden: true,
      load: () => import('./complete.ts'),
    },
  ],
}

function completion(shell: 'bash' | 'fish' | 'zsh'): CommandEntry {
  return {
    paths: [`completion ${shell}`],
    summary: `Generate the autocompletion script for ${shell}`,
    load: async () => ({ command: (await import('./completion.ts')).completionCommand(shell) }),
  }
}

function debug(name: DebugName, summary: string): CommandEntry {
  return {
    paths: [`debug ${name}`],
    summary,
    hidden: true,
    load: async () => ({ command: (await import('./debug.ts')).debugCommand(name) }),
  }
}
