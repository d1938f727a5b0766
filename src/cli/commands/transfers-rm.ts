import { fail } from '../../core/index.ts'
import type { Transfer } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, withEngine } from '../session.ts'

const describe = (removed: readonly Transfer[]): string => removed.map(({ digest }) => `${digest}\n`).join('')

/** `slipway transfers rm`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [DIGEST...]',
  operands: { min: 0 },
  flags: { all: { kind: 'bool', short: 'a', about: 'Forget all transfers that no process is at' } },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      if (flags.all === args.length > 0) throw fail('USAGE_INVALID', 'name transfers by their digests, or use --all')
      if (flags.all) await io.stdout.write(describe(engine.transfers.removeAll()))
      return forEachOperand(context, async (name) => io.stdout.write(describe(engine.transfers.remove(name))))
    }),
})
