import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** `slipway tags rm`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME:TAG [NAME:TAG...]',
  description: 'Remove tags from a registry. What they stand for stays, and so do its other tags',
  operands: { min: 1 },
  flags: {
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    'with-manifest': { kind: 'bool', about: 'Delete the manifest that the tag stands for, and with it all its tags' },
  },
  run: (context) =>
    withEngine(context, (engine) =>
      forEachOperand(context, async (name) => {
        const { flags, io } = context
        const request = { name, insecure: flags.insecure, withManifest: flags['with-manifest'] }
        const removed = await engine.registries.removeTag(request, jobOf(context))
        const deleted = removed.deleted === undefined ? '' : `Deleted: ${removed.deleted}\n`
        await io.stdout.write(`Untagged: ${removed.name}\n${deleted}`)
      }),
    ),
})
