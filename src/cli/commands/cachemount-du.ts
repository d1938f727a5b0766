import { type Command, defineCommand } from '../command.ts'
import { alignColumns } from '../render/columns.ts'
import { escapeName } from '../render/escape.ts'
import { humanSize } from '../render/sizes.ts'
import { filtersOf, withEngine } from '../session.ts'

/** `slipway cachemount du`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: { filter: { kind: 'list', placeholder: 'filter', about: 'Provide filter values' } },
  run: (context) =>
    withEngine(context, async (engine) => {
      const caches = engine.cacheMounts.list(filtersOf(context.flags.filter)).toSorted((a, b) => b.bytes - a.bytes)
      const rows = caches.map(({ id, bytes, files }) => [escapeName(id), humanSize(bytes), String(files)])
      const total = caches.reduce((sum, { bytes }) => sum + bytes, 0)
      const table = [['ID', 'SIZE', 'FILES'], ...rows].map((row) => `${row.join('\t')}\n`).join('')
      await context.io.stdout.write(`${alignColumns(table)}Total:\t${humanSize(total)}\n`)
      return 0
    }),
})
