import { fromByteString } from '../../core/index.ts'
import type { Change } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { escapeMessage } from '../render/escape.ts'
import { jobOf, withEngine } from '../session.ts'

const LETTERS = { added: 'A', changed: 'C', removed: 'D' } as const

function lineOf({ kind, path, differences }: Change, verbose: boolean): string {
  const why = verbose && differences.length > 0 ? ` (${differences.join(', ')})` : ''
  return `${LETTERS[kind]} /${escapeMessage(fromByteString(path))}${why}\n`
}

/** A change as a line of JSON: path, kind, and what differs with sizes, modes and owners. */
function jsonOf({ kind, path, differences, before, after, contentOffset }: Change): string {
  const about = (entry: Change['before']): object | undefined =>
    entry && { kind: entry.kind, size: entry.size, mode: entry.mode, uid: entry.uid, gid: entry.gid }
  const row = {
    kind,
    path: `/${fromByteString(path)}`,
    differences,
    contentOffset,
    before: about(before),
    after: about(after),
  }
  return `${JSON.stringify(row)}\n`
}

/** `slipway diff`. */
export const command: Command = defineCommand({
  usage: 'CONTAINER',
  usages: ['[OPTIONS] IMAGE|CONTAINER IMAGE|CONTAINER'],
  description:
    "Inspect changes to files or directories on a container's filesystem, or what is different between any two images or containers",
  operands: { min: 1, max: 2, completes: 'container' },
  flags: {
    format: { kind: 'string', default: '', about: 'Format of the output: "json", a line for each change' },
    'ignore-times': { kind: 'bool', about: 'Times of modification do not count' },
    verbose: { kind: 'bool', short: 'v', about: 'Say what differs' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [name, other] = args as [string, string?]
      const request = { name, ignoreTimes: flags['ignore-times'], ...(other === undefined ? {} : { other }) }
      for await (const change of engine.diff(request, jobOf(context))) {
        await io.stdout.write(flags.format === 'json' ? jsonOf(change) : lineOf(change, flags.verbose))
      }
      return 0
    }),
})
