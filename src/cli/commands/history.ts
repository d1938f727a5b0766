import type { HistoryRow } from '../../engine/index.ts'
import { parsePlatform } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { humanAge } from '../render/durations.ts'
import { escapeMessage } from '../render/escape.ts'
import { humanSize } from '../render/sizes.ts'
import { withEngine } from '../session.ts'
import { type Row, renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*image.historyContext',
  headers: {
    ID: 'IMAGE',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    Size: 'SIZE',
    Comment: 'COMMENT',
  },
  named: { table: 'table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}' },
}

const LONGEST = 45

function shorten(text: string, truncate: boolean): string {
  const line = escapeMessage(text.replaceAll('\t', ' '))
  const characters = [...line]
  return truncate && characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : line
}

function rowOf(row: HistoryRow, options: { truncate: boolean; human: boolean; now: Date }): Row {
  const { truncate, human, now } = options
  const id = row.id === undefined ? '<missing>' : truncate ? row.id.slice(7, 19) : row.id
  const stamp = row.created?.toISOString().replace(/\.\d+Z$/, 'Z') ?? ''
  return {
    ID: id,
    CreatedAt: stamp,
    CreatedSince: row.created === undefined ? 'N/A' : human ? humanAge(row.created, now) : stamp,
    CreatedBy: shorten(row.createdBy, truncate),
    Size: human ? humanSize(row.bytes, 3) : String(row.bytes),
    Comment: escapeMessage(row.comment),
  }
}

/** `slipway history`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  operands: { min: 1, max: 1, completes: 'image' },
  flags: {
    format: LIST_FORMAT,
    human: { kind: 'bool', short: 'H', default: true, about: 'Print sizes and dates in human readable format' },
    'no-trunc': { kind: 'bool', about: "Don't truncate output" },
    platform: {
      kind: 'string',
      about: 'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    quiet: { kind: 'bool', short: 'q', about: 'Only show image IDs' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
      const options = { truncate: !flags['no-trunc'], human: flags.human, now: new Date() }
      const rows = engine.images.history(args[0]!, platform).map((row) => rowOf(row, options))
      await io.stdout.write(renderList(flags.quiet ? '{{.ID}}' : flags.format, FORMATS, rows))
      return 0
    }),
})
