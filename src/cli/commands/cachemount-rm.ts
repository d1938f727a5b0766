import { type Command, defineCommand } from '../command.ts'
import { escapeName } from '../render/escape.ts'
import { forEachOperand, withEngine } from '../session.ts'

/** `slipway cachemount rm`. */
export const command: Command = defineCommand({
  usage: 'ID [ID...]',
  operands: { min: 1 },
  flags: {},
  run: (context) =>
    withEngine(context, (engine) =>
      forEachOperand(context, async (name) => {
        const { removed } = engine.cacheMounts.remove(name)
        await context.io.stdout.write(removed.map(({ id }) => `${escapeName(id)}\n`).join(''))
      }),
    ),
})
