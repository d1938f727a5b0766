import { readFileSync } from 'node:fs'
import { bytesOf, fail, messageOf } from '../../core/index.ts'
import type { Engine, IndexReport, IndexRequest } from '../../engine/index.ts'
import { parsePlatform } from '../../oci/index.ts'
import { saveFile } from '../../transfer/index.ts'
import { parseAnnotations } from '../build/annotations.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { chooseProgressMode, createProgressRenderer, openProgress } from '../render/progress/index.ts'
import { warningJob, withEngine } from '../session.ts'

const MOST_FILE = 1 << 20

/** What a file of `-f` says: a reference, or a descriptor. */
function readSource(file: string): string {
  try {
    return readFileSync(file).subarray(0, MOST_FILE).toString()
  } catch (error) {
    throw fail(
      'USAGE_INVALID',
      `open ${file}: ${/ENOENT/.test(messageOf(error)) ? 'no such file or directory' : messageOf(error)}`,
    )
  }
}

async function create(
  context: Pick<CommandContext, 'globals' | 'signal' | 'io' | 'env'>,
  engine: Engine,
  request: IndexRequest,
  progressFlag: string,
): Promise<IndexReport> {
  const { io, env } = context
  const mode = request.dryRun ? 'quiet' : chooseProgressMode(progressFlag, io.stderr.terminal(), env)
  const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env, phase: 'Pushing' })
  const progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
  try {
    const { job, tellWarnings } = warningJob(context, (event) => progress.progress(event))
    const report = await engine.indexes.create(request, job)
    progress.close()
    await tellWarnings()
    return report
  } finally {
    progress.close()
  }
}

/** The facts of `--metadata-file`, by the keys of buildx. */
function metadata({ descriptor }: IndexReport, names: readonly string[]): string {
  const facts = {
    'containerimage.descriptor': descriptor,
    'containerimage.digest': descriptor.digest,
    'image.name': names.join(','),
  }
  return `${JSON.stringify(facts, undefined, 2)}\n`
}

/** `slipway imagetools create`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [SOURCE...]',
  description: 'Create a new image based on source images',
  operands: { min: 0, completes: 'image' },
  flags: {
    annotation: { kind: 'list', placeholder: 'stringArray', about: 'Add annotation to the image' },
    append: { kind: 'bool', about: 'Append to existing manifest' },
    builder: { kind: 'string', hidden: true, about: 'Accepted for scripts: there are no builder instances' },
    'dry-run': { kind: 'bool', about: 'Show final image instead of pushing' },
    file: {
      kind: 'list',
      short: 'f',
      placeholder: 'stringArray',
      completes: 'file',
      about: 'Read source descriptor from file',
    },
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    'metadata-file': { kind: 'string', completes: 'file', about: 'Write create result metadata to a file' },
    platform: {
      kind: 'csv',
      short: 'p',
      placeholder: 'stringArray',
      about: 'Filter specified platforms of target image',
    },
    'prefer-index': {
      kind: 'bool',
      default: true,
      about:
        'When only a single source is specified, prefer outputting an image index or manifest list instead of performing a carbon copy',
    },
    progress: {
      kind: 'string',
      default: 'auto',
      about: 'Set type of progress output ("auto", "none", "plain", "rawjson", "tty")',
    },
    tag: { kind: 'list', short: 't', placeholder: 'stringArray', about: 'Set reference for new image' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const request: IndexRequest = {
        sources: [...args, ...flags.file.map(readSource)],
        names: flags.tag,
        append: flags.append,
        annotations: parseAnnotations(flags.annotation),
        platforms: flags.platform.map((text) => parsePlatform(text)),
        preferIndex: flags['prefer-index'],
        dryRun: flags['dry-run'],
        insecure: flags.insecure,
      }
      const report = await create(context, engine, request, flags.progress)
      if (flags['dry-run']) await io.stdout.write(`${report.bytes.toString()}\n`)
      const file = flags['metadata-file']
      if (file !== undefined) await saveFile(file, bytesOf(Buffer.from(metadata(report, flags.tag))), 0o644)
      return 0
    }),
})
