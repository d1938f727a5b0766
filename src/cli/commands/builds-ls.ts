import { fail } from '../../core/index.ts'
import type { PastBuild } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { briefDuration, durationOf, shortName, statusOf } from '../render/build-report.ts'
import { humanAge } from '../render/durations.ts'
import { escapeMessage } from '../render/escape.ts'
import { goTime } from '../render/times.ts'
import { filtersOf, withEngine } from '../session.ts'
import { type Row, renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*formatter.BuildContext',
  headers: {
    Ref: 'BUILD ID',
    Name: 'NAME',
    Status: 'STATUS',
    CreatedAt: 'CREATED AT',
    CreatedSince: 'CREATED AT',
    Duration: 'DURATION',
    Steps: 'CACHED/STEPS',
    Platform: 'PLATFORM',
    Tags: 'TAGS',
    Error: 'ERROR',
  },
  named: {
    table: 'table {{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedSince}}\t{{.Duration}}\t{{.Steps}}\t{{.Tags}}',
  },
}

function rowOf(record: PastBuild, now: Date): Row {
  return {
    Ref: record.id,
    Name: escapeMessage(record.name),
    Status: statusOf(record),
    CreatedAt: goTime(new Date(record.startedAt)),
    CreatedSince: humanAge(new Date(record.startedAt), now),
    Duration: record.status === 'interrupted' ? '-' : briefDuration(durationOf(record, now.getTime())),
    Steps: `${record.cachedSteps}/${record.totalSteps}`,
    Platform: record.platforms.join(','),
    Tags: record.tags.map(shortName).join(','),
    Error: escapeMessage(record.error?.message ?? ''),
  }
}

const TESTS: Record<string, (record: PastBuild, value: string) => boolean> = {
  ref: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => name.includes(value),
  status: ({ status }, value) => status === value.toLowerCase(),
  tag: ({ tags }, value) => tags.some((tag) => shortName(tag) === value || shortName(tag) === `${value}:latest`),
  platform: ({ platforms }, value) => platforms.includes(value),
}

function filter(pairs: readonly string[]): (record: PastBuild) => boolean {
  const filters = Object.entries(filtersOf(pairs))
  const unknown = filters.find(([name]) => !Object.hasOwn(TESTS, name))
  if (unknown) throw fail('FILTER_INVALID', `invalid filter '${unknown[0]}'`)
  return (record) => filters.every(([name, values]) => values.some((value) => TESTS[name]!(record, value)))
}

/** `slipway builds ls`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    filter: {
      kind: 'list',
      short: 'f',
      placeholder: 'filter',
      about: 'Filter output by ref, name, status, tag or platform (format: "status=error")',
    },
    format: LIST_FORMAT,
    quiet: { kind: 'bool', short: 'q', about: 'Only display build IDs' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const now = new Date()
      const rows = engine.builds
        .list()
        .filter(filter(flags.filter))
        .map((record) => rowOf(record, now))
      await io.stdout.write(renderList(flags.quiet ? '{{.Ref}}' : flags.format, FORMATS, rows))
      return 0
    }),
})
