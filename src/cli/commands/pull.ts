import { formatReference, parsePlatform, parseReference, withDefaultTag } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { hasNoTag, pullTelling } from '../pull.ts'
import { withEngine } from '../session.ts'

/** `slipway pull`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  operands: { min: 1, max: 1, completes: 'image' },
  flags: {
    'all-tags': { kind: 'bool', short: 'a', about: 'Download all tagged images in the repository' },
    'disable-content-trust': { kind: 'bool', default: true, hidden: true, about: 'Skip image verification' },
    platform: { kind: 'string', about: 'Set platform if server is multi-platform capable' },
    quiet: { kind: 'bool', short: 'q', about: 'Suppress verbose output' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [image = ''] = args
      const { 'all-tags': allTags, quiet } = flags
      const platform = flags.platform ? { platform: parsePlatform(flags.platform) } : {}
      if (hasNoTag(image) && !allTags && !quiet) await io.stdout.write('Using default tag: latest\n')
      await pullTelling(engine, { image, allTags, ...platform }, { context, to: 'stdout', quiet })
      const reference = parseReference(image)
      await io.stdout.write(`${formatReference(allTags ? reference : withDefaultTag(reference))}\n`)
      return 0
    }),
})
