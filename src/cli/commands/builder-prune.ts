import { type Command, defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { CACHE_FORMATS, cacheRow, renderVerbose } from '../render/cache-records.ts'
import { humanSize } from '../render/sizes.ts'
import { filtersOf, withEngine } from '../session.ts'
import { renderList } from '../template/index.ts'

/** `slipway builder prune`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    all: { kind: 'bool', short: 'a', about: 'Include what images share, and internal records' },
    builder: { kind: 'string', hidden: true, about: 'Override the configured builder instance' },
    filter: { kind: 'list', placeholder: 'filter', about: 'Provide filter values' },
    force: { kind: 'bool', short: 'f', about: 'Do not prompt for confirmation' },
    'keep-storage': { kind: 'size', hidden: true, about: 'Amount of disk space to keep for cache' },
    'max-used-space': { kind: 'size', about: 'Maximum amount of disk space allowed to keep for cache' },
    'min-free-space': { kind: 'size', about: 'Target amount of free disk space after pruning' },
    'reserved-space': { kind: 'size', about: 'Amount of disk space always allowed to keep for cache' },
    verbose: { kind: 'bool', about: 'Provide a more verbose output' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const which = flags.all ? 'all' : 'all dangling'
      const question = `WARNING! This will remove ${which} build cache. Are you sure you want to continue? [y/N] `
      if (flags['keep-storage'] !== undefined) {
        const changed = 'keep-storage flag has been changed to reserved-space'
        await io.stderr.write(`Flag --keep-storage has been deprecated, ${changed}\n`)
      }
      if (!flags.force && !(await confirm(io, question))) return 0
      const { records, bytes } = await engine.cache.prune({
        all: flags.all,
        filters: filtersOf(flags.filter),
        maxUsedSpace: flags['max-used-space'] ?? 0,
        minFreeSpace: flags['min-free-space'] ?? 0,
        reservedSpace: flags['reserved-space'] ?? flags['keep-storage'] ?? 0,
      })
      const now = new Date()
      const rows = records.map((record) => cacheRow(record, now))
      const table = flags.verbose ? renderVerbose(records, now) : renderList('', CACHE_FORMATS, rows)
      await io.stdout.write(`${records.length > 0 ? table : ''}Total:\t${humanSize(bytes)}\n`)
      return 0
    }),
})
