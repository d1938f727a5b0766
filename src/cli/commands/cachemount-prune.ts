import { type Command, defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { escapeName } from '../render/escape.ts'
import { humanSize } from '../render/sizes.ts'
import { filtersOf, withEngine } from '../session.ts'

/** `slipway cachemount prune`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    filter: { kind: 'list', placeholder: 'filter', about: 'Provide filter values (e.g. "until=24h", "id=/root/.npm")' },
    force: { kind: 'bool', short: 'f', about: 'Do not prompt for confirmation' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const question =
        'WARNING! This will remove all cache mounts not used by a running build.\nAre you sure you want to continue? [y/N] '
      const filters = filtersOf(flags.filter)
      if (!flags.force && !(await confirm(io, question))) return 1
      const { removed, bytes } = engine.cacheMounts.prune(filters)
      const list =
        removed.length === 0 ? '' : `Deleted cache mounts:\n${removed.map(({ id }) => escapeName(id)).join('\n')}\n\n`
      await io.stdout.write(`${list}Total reclaimed space: ${humanSize(bytes)}\n`)
      return 0
    }),
})
