import type { CacheMountSummary } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { humanAge } from '../render/durations.ts'
import { escapeName } from '../render/escape.ts'
import { humanSize } from '../render/sizes.ts'
import { goTime } from '../render/times.ts'
import { filtersOf, withEngine } from '../session.ts'
import { type Row, renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*formatter.cacheMountContext',
  headers: {
    ID: 'ID',
    Key: 'KEY',
    Namespace: 'NAMESPACE',
    Size: 'SIZE',
    Files: 'FILES',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    UsedSince: 'LAST USED',
    UsedAt: 'LAST USED AT',
    Uses: 'USES',
    InUse: 'IN USE',
  },
  named: { table: 'table {{.ID}}\t{{.Key}}\t{{.Size}}\t{{.CreatedSince}}\t{{.UsedSince}}\t{{.Uses}}\t{{.InUse}}' },
}

function rowOf(cache: CacheMountSummary, options: { truncate: boolean; now: Date }): Row {
  const [created, used] = [new Date(cache.createdAt), new Date(cache.usedAt)]
  return {
    ID: escapeName(cache.id),
    Key: options.truncate ? cache.key.slice(0, 12) : cache.key,
    Namespace: escapeName(cache.namespace),
    Size: humanSize(cache.bytes, 3),
    Files: String(cache.files),
    CreatedSince: humanAge(created, options.now),
    CreatedAt: goTime(created),
    UsedSince: humanAge(used, options.now),
    UsedAt: goTime(used),
    Uses: String(cache.uses),
    InUse: String(cache.inUse),
  }
}

/** `slipway cachemount ls`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    filter: {
      kind: 'list',
      short: 'f',
      placeholder: 'filter',
      about: 'Filter output by id, namespace, inuse or until (last used before)',
    },
    format: LIST_FORMAT,
    'no-trunc': { kind: 'bool', about: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', about: 'Only display ids' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const options = { truncate: !flags['no-trunc'], now: new Date() }
      const rows = engine.cacheMounts.list(filtersOf(flags.filter)).map((cache) => rowOf(cache, options))
      await io.stdout.write(renderList(flags.quiet ? '{{.ID}}' : flags.format, FORMATS, rows))
      return 0
    }),
})
