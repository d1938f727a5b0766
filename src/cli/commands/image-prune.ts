import { type Command, defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { humanSize } from '../render/sizes.ts'
import { filtersOf, withEngine } from '../session.ts'

/** `slipway image prune`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    all: { kind: 'bool', short: 'a', about: 'Remove all unused images, not just dangling ones' },
    filter: { kind: 'list', placeholder: 'filter', about: 'Provide filter values (e.g. "until=<timestamp>")' },
    force: { kind: 'bool', short: 'f', about: 'Do not prompt for confirmation' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const which = flags.all ? 'all images without at least one container associated to them' : 'all dangling images'
      const question = `WARNING! This will remove ${which}.\nAre you sure you want to continue? [y/N] `
      if (!flags.force && !(await confirm(io, question))) return 1
      const { untagged, deleted, bytes } = engine.images.prune({ all: flags.all, filters: filtersOf(flags.filter) })
      const lines = [...untagged.map((name) => `untagged: ${name}`), ...deleted.map((id) => `deleted: ${id}`)]
      const removed = lines.length > 0 ? `Deleted Images:\n${lines.join('\n')}\n\n` : ''
      await io.stdout.write(`${removed}Total reclaimed space: ${humanSize(bytes)}\n`)
      return 0
    }),
})
