import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** `slipway manifest create`. */
export const command: Command = defineCommand({
  usage: 'MANIFEST_LIST MANIFEST [MANIFEST...]',
  operands: { min: 2 },
  flags: {
    amend: { kind: 'bool', short: 'a', about: 'Amend an existing manifest list' },
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const { amend, insecure } = flags
      const [list = '', ...manifests] = args
      const name = await engine.manifestLists.create({ list, manifests, amend, insecure }, jobOf(context))
      await io.stdout.write(`Created manifest list ${name}\n`)
      return 0
    }),
})
