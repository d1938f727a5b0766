import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** `slipway manifest push`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST',
  operands: { min: 1, max: 1 },
  flags: {
    insecure: { kind: 'bool', about: 'Allow push to an insecure registry' },
    purge: { kind: 'bool', short: 'p', about: 'Remove the local manifest list after push' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const { insecure, purge } = flags
      const { digest, pushed } = await engine.manifestLists.push({ list: args[0]!, insecure, purge }, jobOf(context))
      const lines = pushed.map((each) => `Pushed ref ${each.ref} with digest: ${each.digest}\n`)
      await io.stdout.write(`${lines.join('')}${digest}\n`)
      return 0
    }),
})
