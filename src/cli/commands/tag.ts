import { type Command, defineCommand } from '../command.ts'
import { withEngine } from '../session.ts'

/** `slipway tag`. */
export const command: Command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  operands: { min: 2, max: 2, completes: 'image' },
  flags: {},
  run: (context) =>
    withEngine(context, async (engine) => {
      engine.images.tag(context.args[0]!, context.args[1]!)
      return 0
    }),
})
