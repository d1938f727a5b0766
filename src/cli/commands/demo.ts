import { type Command, defineCommand } from '../command.ts'
export const command: Command = defineCommand({
  usage: '',
  operands: { min: 0, max: 0 },
  flags: {},
  run: async () => 0,
})
