import { hasCode } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, withEngine } from '../session.ts'

/** `slipway rmi`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1, completes: 'image' },
  flags: {
    force: { kind: 'bool', short: 'f', about: 'Force removal of the image' },
    'no-prune': { kind: 'bool', about: 'Do not delete untagged parents' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      let missing = 0
      const code = await forEachOperand(context, async (name) => {
        try {
          const { untagged, deleted } = engine.images.remove(name, { force: flags.force })
          const lines = [...untagged.map((each) => `Untagged: ${each}`), ...deleted.map((each) => `Deleted: ${each}`)]
          await io.stdout.write(lines.map((line) => `${line}\n`).join(''))
        } catch (error) {
          if (hasCode(error, 'IMAGE_NOT_FOUND')) missing++
          throw error
        }
      })
      // with --force, what is not there is as good as removed
      return flags.force && missing === context.args.length ? 0 : code
    }),
})
