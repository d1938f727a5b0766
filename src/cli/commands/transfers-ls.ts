import type { Transfer } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { humanAge } from '../render/durations.ts'
import { humanSize } from '../render/sizes.ts'
import { withEngine } from '../session.ts'
import { type ListFormats, type Row, renderList } from '../template/index.ts'

const HEADERS = {
  ID: 'DIGEST',
  Kind: 'KIND',
  Repository: 'REPOSITORY',
  Done: 'DONE',
  Size: 'SIZE',
  Percent: '%',
  ChangedSince: 'CHANGED',
  Status: 'STATUS',
}

function row(transfer: Transfer, options: { truncate: boolean; now: Date }): Row {
  const { kind, digest, repository = '', bytes, size, changedAt, isActive } = transfer
  return {
    ID: options.truncate ? digest.slice(7, 19) : digest,
    Kind: kind,
    Repository: repository,
    Done: humanSize(bytes, 3),
    Size: humanSize(size, 3),
    Percent: size === 0 ? '100' : String(Math.floor((bytes / size) * 100)),
    ChangedSince: `${humanAge(changedAt, options.now)}`,
    Status: isActive ? 'running' : 'stopped',
  }
}

function formats(quiet: boolean): ListFormats {
  const table = quiet
    ? '{{.ID}}'
    : 'table {{.ID}}\t{{.Kind}}\t{{.Done}}\t{{.Size}}\t{{.Percent}}\t{{.Status}}\t{{.ChangedSince}}\t{{.Repository}}'
  return { typeName: '*formatter.transferContext', headers: HEADERS, named: { table } }
}

/** `slipway transfers ls`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    format: LIST_FORMAT,
    'no-trunc': { kind: 'bool', about: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', about: 'Only show digests' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const options = { truncate: !flags['no-trunc'], now: new Date() }
      const rows = engine.transfers.list().map((each) => row(each, options))
      await io.stdout.write(renderList(flags.format, formats(flags.quiet), rows))
      return 0
    }),
})
