import { fail, messageOf } from '../../core/index.ts'
import { type LogEntry, parseMoment } from '../../engine/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** The last `count` lines of what is there; pieces of one line count as one. */
async function lastLines(entries: AsyncIterable<LogEntry>, count: number): Promise<LogEntry[]> {
  const kept: LogEntry[] = []
  let lines = 0
  for await (const entry of entries) {
    kept.push(entry)
    if (endsLine(entry)) lines++
    while (lines > count) {
      const dropped = kept.shift()
      if (dropped && endsLine(dropped)) lines--
    }
  }
  return kept
}

const endsLine = (entry: LogEntry): boolean => entry.text.at(-1) === 0x0a

function tailOf(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY
  if (/^-?\d+$/.test(text)) return Number(text) < 0 ? Number.POSITIVE_INFINITY : Number(text)
  throw fail('USAGE_INVALID', `invalid value for "tail": ${text}`)
}

function momentOf(flag: string, text: string): number {
  try {
    return parseMoment(text)
  } catch (error) {
    throw fail('USAGE_INVALID', `invalid value for "${flag}": ${messageOf(error)}`)
  }
}

/** Writes entries of the wanted time, each to its own stream. */
function printer(context: Pick<CommandContext, 'io'>, options: { since: number; until: number; timestamps: boolean }) {
  const { since, until, timestamps } = options
  return async (entry: LogEntry): Promise<void> => {
    const time = Date.parse(entry.time)
    if (time < since || time > until) return
    const stamp = timestamps ? `${entry.time.replace('+00:00', 'Z')} ` : ''
    const output = entry.stream === 'stderr' ? context.io.stderr : context.io.stdout
    await output.write(stamp === '' ? entry.text : Buffer.concat([Buffer.from(stamp), entry.text]))
  }
}

/** `slipway logs`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  operands: { min: 1, max: 1, completes: 'container' },
  flags: {
    details: { kind: 'bool', about: 'Show extra details provided to logs' },
    follow: { kind: 'bool', short: 'f', about: 'Follow log output' },
    since: {
      kind: 'string',
      about: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
    tail: { kind: 'string', short: 'n', default: 'all', about: 'Number of lines to show from the end of the logs' },
    timestamps: { kind: 'bool', short: 't', about: 'Show timestamps' },
    until: {
      kind: 'string',
      about: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args } = context
      const name = args[0]!
      const print = printer(context, {
        since: flags.since === undefined ? Number.NEGATIVE_INFINITY : momentOf('since', flags.since),
        until: flags.until === undefined ? Number.POSITIVE_INFINITY : momentOf('until', flags.until),
        timestamps: flags.timestamps,
      })
      const tail = tailOf(flags.tail)
      const job = jobOf(context)
      if (tail === Number.POSITIVE_INFINITY) {
        for await (const entry of engine.containers.logs(name, { follow: flags.follow }, job)) await print(entry)
        return 0
      }
      const before = await lastLines(engine.containers.logs(name, {}, job), tail)
      for (const entry of before) await print(entry)
      if (!flags.follow) return 0
      const last = before.at(-1)?.time ?? ''
      for await (const entry of engine.containers.logs(name, { follow: true }, job))
        if (entry.time > last) await print(entry)
      return 0
    }),
})
