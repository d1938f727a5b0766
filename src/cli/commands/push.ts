import { fail } from '../../core/index.ts'
import type { PushedImage, PushRequest } from '../../engine/index.ts'
import { formatReference, parsePlatform, parseReference, repositoryOf, withDefaultTag } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { hasNoTag } from '../pull.ts'
import { createLayerLines, TRANSFER_WORDS } from '../render/progress/index.ts'
import { warningJob, withEngine } from '../session.ts'

const ALGORITHMS = ['gzip', 'zstd', 'uncompressed'] as const
const LEVELS = { gzip: 9, zstd: 22, uncompressed: 0 }

/** How `--compression` and its sisters want layers to travel. Fails with `USAGE_INVALID`. */
function compressionOf(flags: {
  compression: string | undefined
  'compression-level': string | undefined
  'force-compression': boolean
}): Pick<PushRequest, 'compression'> {
  const { compression = 'gzip', 'compression-level': text, 'force-compression': force } = flags
  const algorithm = ALGORITHMS.find((each) => each === compression)
  if (!algorithm) throw fail('USAGE_INVALID', `unsupported layer compression type: ${compression}`)
  if (text === undefined) return { compression: { algorithm, force } }
  const level = Number(text)
  if (/^\d+$/.test(text) && level <= LEVELS[algorithm]) return { compression: { algorithm, level, force } }
  throw fail('USAGE_INVALID', `invalid compression level ${text}: for ${algorithm} it is up to ${LEVELS[algorithm]}`)
}

const PLATFORM_NOTE = `Using --platform pushes only the specified platform manifest of a multi-platform image index.
Other components, like attestations, will not be included.
To push the complete multi-platform image, remove the --platform flag.
`

/** A note as Docker prints it. */
function note(text: string): string {
  return `\n Info -> ${text.replaceAll('\n', '\n         ')}\n`
}

function describe({ tag, digest, size }: PushedImage): string {
  return `${tag}: digest: ${digest} size: ${size}\n`
}

function describeNotes(pushed: readonly PushedImage[]): string {
  const notes = pushed.flatMap(({ digest, insteadOf }) => {
    if (insteadOf === undefined) return []
    const what = 'Not all multiplatform-content is present and only the available single-platform image was pushed'
    return [note(`${what}\n${insteadOf} -> ${digest}`)]
  })
  return notes.join('')
}

/** `slipway push`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  operands: { min: 1, max: 1, completes: 'image' },
  flags: {
    'all-tags': { kind: 'bool', short: 'a', about: 'Push all tags of an image to the repository' },
    compression: { kind: 'string', about: 'How layers made here are compressed: gzip, zstd or uncompressed' },
    'compression-level': { kind: 'string', placeholder: 'int', about: 'Compression level (gzip 0-9, zstd 0-22)' },
    'disable-content-trust': { kind: 'bool', default: true, hidden: true, about: 'Skip image signing' },
    'force-compression': { kind: 'bool', about: 'Compress layers anew that are compressed already' },
    platform: {
      kind: 'string',
      about:
        "Push a platform-specific manifest as a single-platform image to the registry. Image index won't be pushed, meaning that other manifests, including attestations won't be preserved. 'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
    },
    quiet: { kind: 'bool', short: 'q', about: 'Suppress verbose output' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [image = ''] = args
      const { 'all-tags': allTags, quiet } = flags
      const reference = parseReference(image)
      if (reference.digest) throw fail('REFERENCE_INVALID', 'cannot push a digest reference')
      if (allTags && reference.tag !== undefined) {
        throw fail('USAGE_INVALID', "tag can't be used with --all-tags/-a")
      }
      const platform = flags.platform ? { platform: parsePlatform(flags.platform) } : {}
      const say = async (text: string): Promise<void> => (quiet ? undefined : io.stdout.write(text))
      if (hasNoTag(image) && !allTags) await say('Using default tag: latest\n')
      if (flags.platform) await say(note(PLATFORM_NOTE))
      await say(`The push refers to repository [${repositoryOf(reference)}]\n`)
      const lines = createLayerLines(io.stdout, TRANSFER_WORDS.push, { headlines: false })
      const { job, tellWarnings } = warningJob(context, (event) => quiet || lines.progress(event))
      const pushed: PushedImage[] = []
      try {
        const request = { image, allTags, ...platform, ...compressionOf(flags) }
        for await (const each of engine.images.push(request, job)) {
          lines.end()
          await tellWarnings()
          pushed.push(each)
          await say(describe(each))
        }
      } finally {
        lines.end()
      }
      await say(describeNotes(pushed))
      const whole = formatReference(allTags ? reference : withDefaultTag(reference))
      if (quiet) await io.stdout.write(`${whole}\n`)
      return 0
    }),
})
