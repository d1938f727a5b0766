import type { CommandTable } from '../command.ts'

/** All commands. A module is loaded when its command is called; `--help` needs only this table. */
export const COMMANDS: CommandTable = {
  groups: [
    { path: 'completion', summary: 'Generate the autocompletion script for the specified shell' },
    { path: 'debug', summary: 'Ask parts of Slipway about rows of JSON', hidden: true },
  ],
  commands: [
    {
      paths: ['completion bash'],
      summary: 'Generate the autocompletion script for bash',
      load: async () => ({ command: (await import('./completion.ts')).completionCommand('bash') }),
    },
    {
      paths: ['completion fish'],
      summary: 'Generate the autocompletion script for fish',
      load: async () => ({ command: (await import('./completion.ts')).completionCommand('fish') }),
    },
    {
      paths: ['completion zsh'],
      summary: 'Generate the autocompletion script for zsh',
      load: async () => ({ command: (await import('./completion.ts')).completionCommand('zsh') }),
    },
    {
      paths: ['debug template'],
      summary: 'Run templates: {"text","data"} to {"output"} or {"error"}',
      hidden: true,
      load: async () => ({ command: (await import('./debug.ts')).debugCommand('template') }),
    },
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
