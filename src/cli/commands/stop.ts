import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** `slipway stop`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  flags: {
    signal: { kind: 'string', short: 's', about: 'Signal to send to the container' },
    time: { kind: 'int', default: 10, hidden: true, about: 'Seconds to wait before killing the container' },
    timeout: { kind: 'int', short: 't', about: 'Seconds to wait before killing the container (default 10)' },
  },
  run: (context) =>
    withEngine(context, (engine) =>
      forEachOperand(context, async (name) => {
        const { signal, timeout, time } = context.flags
        const options = { seconds: timeout ?? time, ...(signal === undefined ? {} : { signal }) }
        await engine.containers.stop(name, options, jobOf(context))
        await context.io.stdout.write(`${name}\n`)
      }),
    ),
})
