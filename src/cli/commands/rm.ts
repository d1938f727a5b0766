import { hasCode } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** `slipway rm`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  flags: {
    force: { kind: 'bool', short: 'f', about: 'Force the removal of a running container (uses SIGKILL)' },
    volumes: { kind: 'bool', short: 'v', about: 'Remove anonymous volumes associated with the container' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      let missing = 0
      const code = await forEachOperand(context, async (name) => {
        try {
          await engine.containers.remove(name, { force: context.flags.force }, jobOf(context))
          await context.io.stdout.write(`${name}\n`)
        } catch (error) {
          if (hasCode(error, 'CONTAINER_NOT_FOUND')) missing++
          throw error
        }
      })
      return context.flags.force && missing === context.args.length ? 0 : code
    }),
})
