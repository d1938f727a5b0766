import { type Command, defineCommand } from '../command.ts'
import { withEngine } from '../session.ts'
import { CREATE_FLAGS, createFrom } from './run.ts'

/** `slipway create`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  operands: { min: 1, completes: 'image' },
  stopsAtOperand: true,
  flags: CREATE_FLAGS,
  run: (context) =>
    withEngine(context, async (engine) => {
      const { id } = await createFrom(engine, context)
      await context.io.stdout.write(`${id}\n`)
      return 0
    }),
})
