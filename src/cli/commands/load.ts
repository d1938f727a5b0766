import { statSync } from 'node:fs'
import { fail } from '../../core/index.ts'
import type { LoadedImage } from '../../engine/index.ts'
import { familiarReference, parsePlatform, parseReference } from '../../oci/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { createTransferProgress, openProgress, TRANSFER_WORDS } from '../render/progress/index.ts'
import { warningJob, withEngine } from '../session.ts'

function describe({ id, names, displaced }: LoadedImage): string {
  const short = (name: string): string => familiarReference(parseReference(name))
  const moved = displaced.map(
    (old) => `The image ${short(old.name)} already exists, renaming the old one with ID ${old.id} to empty string\n`,
  )
  const loaded = names.length > 0 ? names.map((name) => `Loaded image: ${short(name)}\n`) : [`Loaded image ID: ${id}\n`]
  return [...moved, ...loaded].join('')
}

/** Standard input when no file is named; a terminal there is a mistake. */
function inputOf(context: CommandContext, file: string | undefined): string | AsyncIterable<Uint8Array> {
  if (file) {
    if (!statSync(file, { throwIfNoEntry: false }))
      throw fail('ARCHIVE_INVALID', `open ${file}: no such file or directory`)
    return file
  }
  const stdin = context.io.stdin()
  if (stdin.isTTY) throw fail('USAGE_INVALID', 'requested load from stdin, but stdin is empty')
  return stdin as AsyncIterable<Uint8Array>
}

/** `slipway load`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    input: { kind: 'string', short: 'i', completes: 'file', about: 'Read from tar archive file, instead of STDIN' },
    platform: {
      kind: 'string',
      about: 'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    quiet: { kind: 'bool', short: 'q', about: 'Suppress the load output' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const input = inputOf(context, flags.input)
      const { isTerminal } = io.stdout.terminal()
      const renderer = createTransferProgress({
        words: TRANSFER_WORDS.load,
        size: () => io.stdout.terminal(),
        isTerminal,
      })
      const progress = openProgress(renderer, (text) => flags.quiet || io.stdout.writeNow(text))
      const options = flags.platform === undefined ? {} : { platform: parsePlatform(flags.platform) }
      try {
        const { job, tellWarnings } = warningJob(context, (event) => progress.progress(event))
        const loaded = await engine.images.load(input, options, job)
        progress.close()
        await tellWarnings()
        await io.stdout.write(loaded.map(describe).join(''))
        return 0
      } finally {
        progress.close()
      }
    }),
})
