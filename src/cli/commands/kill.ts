import { fail, hasCode } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** `slipway kill`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  flags: { signal: { kind: 'string', short: 's', about: 'Signal to send to the container' } },
  run: (context) =>
    withEngine(context, (engine) =>
      forEachOperand(context, async (name) => {
        await engine.containers.kill(name, context.flags.signal ?? 'KILL', jobOf(context)).catch((error: unknown) => {
          if (!hasCode(error, 'CONTAINER_NOT_FOUND')) throw error
          throw fail('CONTAINER_NOT_FOUND', `cannot kill container: ${name}: ${error.message}`)
        })
        await context.io.stdout.write(`${name}\n`)
      }),
    ),
})
