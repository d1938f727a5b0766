import type { CacheUsage } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { CACHE_FORMATS, cacheRow, renderVerbose } from '../render/cache-records.ts'
import { humanSize } from '../render/sizes.ts'
import { filtersOf, withEngine } from '../session.ts'
import { renderList } from '../template/index.ts'

function summary({ shared, total, records, ...usage }: CacheUsage): string {
  const inUse = records.reduce((sum, record) => sum + (record.inUse ? record.bytes : 0), 0)
  const parts = shared > 0 ? `Shared:\t\t${humanSize(shared)}\nPrivate:\t${humanSize(usage.private)}\n` : ''
  return `${parts}Reclaimable:\t${humanSize(total - inUse)}\nTotal:\t\t${humanSize(total)}\n`
}

/** `slipway builder du`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    builder: { kind: 'string', hidden: true, about: 'Override the configured builder instance' },
    filter: { kind: 'list', placeholder: 'filter', about: 'Provide filter values' },
    format: { kind: 'string', default: '', about: 'Format the output' },
    verbose: { kind: 'bool', about: 'Shorthand for "--format=pretty"' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const usage = await engine.cache.usage(filtersOf(flags.filter))
      const now = new Date()
      const pretty = flags.verbose || flags.format === 'pretty'
      const rows = usage.records.map((record) => cacheRow(record, now))
      const list = pretty ? renderVerbose(usage.records, now) : renderList(flags.format, CACHE_FORMATS, rows)
      const isWhole = flags.filter.length === 0 && (pretty || flags.format === '' || flags.format.startsWith('table'))
      await io.stdout.write(list + (isWhole ? summary(usage) : ''))
      return 0
    }),
})
