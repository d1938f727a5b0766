import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, withEngine } from '../session.ts'

/** `slipway manifest rm`. */
export const command: Command = defineCommand({
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  operands: { min: 1 },
  flags: {},
  run: (context) =>
    withEngine(context, (engine) => forEachOperand(context, (list) => engine.manifestLists.remove(list))),
})
