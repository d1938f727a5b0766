import { bytesOf, fail } from '../../core/index.ts'
import type { CopyRequest } from '../../engine/index.ts'
import { parsePlatform } from '../../oci/index.ts'
import { saveFile } from '../../transfer/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { createTransferProgress, openProgress, TRANSFER_WORDS } from '../render/progress/index.ts'
import { warningJob, withEngine } from '../session.ts'

const PLACES = `docker://NAME                an image in a registry
oci:FOLDER[:TAG]             an OCI image layout
oci-archive:FILE[:TAG]       the same in a tar archive
docker-archive:FILE[:NAME]   an archive of docker save
dir:FOLDER                   one image as plain files
NAME or store:NAME           an image in the store`

function rewritingOf(flags: {
  compression: string | undefined
  'dest-compress-format': string | undefined
  format: string | undefined
}): Pick<CopyRequest, 'compression' | 'format'> {
  const asked = flags.compression ?? flags['dest-compress-format']
  const algorithm = (['gzip', 'zstd', 'uncompressed'] as const).find((each) => each === asked)
  return {
    ...(algorithm ? { compression: { algorithm, force: true } } : {}),
    ...(flags.format === undefined ? {} : { format: flags.format === 'oci' ? 'oci' : 'docker' }),
  }
}

/** `slipway copy`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] SOURCE DESTINATION',
  description: `Copy an image between places. A place is one of:\n\n${PLACES}`,
  operands: { min: 2, max: 2, completes: 'image' },
  flags: {
    'additional-tag': { kind: 'list', about: 'Further name for the image at its destination' },
    all: { kind: 'bool', short: 'a', about: 'Copy all platforms of the image' },
    digestfile: { kind: 'string', completes: 'file', about: 'Write the digest of the copied image to the file' },
    platform: {
      kind: 'string',
      about: 'Copy the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    compression: {
      kind: 'choice',
      choices: ['gzip', 'zstd', 'uncompressed'],
      about: 'Compress layers anew: gzip, zstd or uncompressed',
    },
    'dest-compress-format': {
      kind: 'choice',
      choices: ['gzip', 'zstd'],
      hidden: true,
      about: 'The same, as skopeo calls it',
    },
    format: {
      kind: 'choice',
      short: 'f',
      choices: ['oci', 'v2s2'],
      about: 'Manifest type at the destination: oci or v2s2',
    },
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    'preserve-digests': { kind: 'bool', about: 'Fail when the image would get another digest' },
    quiet: { kind: 'bool', short: 'q', about: 'Suppress the progress output' },
    referrers: { kind: 'bool', about: 'Copy signatures, SBOMs and all else that refers to the image' },
  },
  examples: `slipway copy docker://registry.example.com/app:1 oci:./app:1
slipway copy --all --referrers docker://registry.example.com/app:1 docker://mirror.example.com/app:1`,
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      if (flags.all && flags.platform !== undefined) {
        throw fail('USAGE_INVALID', 'conflicting options: --all and --platform')
      }
      const request: CopyRequest = {
        from: args[0]!,
        to: args[1]!,
        referrers: flags.referrers,
        moreNames: flags['additional-tag'],
        insecure: flags.insecure,
        preserveDigests: flags['preserve-digests'],
        ...rewritingOf(flags),
        ...(flags.all ? { platform: 'all' as const } : {}),
        ...(flags.platform === undefined ? {} : { platform: parsePlatform(flags.platform) }),
      }
      const { isTerminal } = io.stderr.terminal()
      const words = TRANSFER_WORDS.copy
      const renderer = createTransferProgress({ words, size: () => io.stderr.terminal(), isTerminal })
      const progress = openProgress(renderer, (text) => flags.quiet || io.stderr.writeNow(text))
      try {
        const { job, tellWarnings } = warningJob(context, (event) => progress.progress(event))
        const { root } = await engine.copy(request, job)
        progress.close()
        await tellWarnings()
        if (flags.digestfile !== undefined) await saveFile(flags.digestfile, bytesOf(Buffer.from(root.digest)), 0o644)
        if (!flags.quiet) await io.stdout.write(`Digest: ${root.digest}\nStatus: Copied ${args[0]} to ${args[1]}\n`)
        return 0
      } finally {
        progress.close()
      }
    }),
})
