import { fail } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** What stands before the path: a container, an image, or a step with its own colon. `undefined` for a path of this machine. */
function placeIn(text: string): { name: string; path: string } | undefined {
  const prefix = text.startsWith('step:') ? 'step:'.length : 0
  const cut = text.indexOf(':/', prefix) < 0 ? text.indexOf(':', prefix) : text.indexOf(':/', prefix)
  if (cut <= 0 || /^[./]/.test(text)) return undefined
  return { name: text.slice(0, cut), path: text.slice(cut + 1) }
}

/** `slipway cp`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER|IMAGE|STEP:SRC_PATH DEST_PATH|-',
  description: `Copy files/folders out of a container, an image or a build step

Use '-' as the destination to stream a tar archive to stdout.`,
  operands: { min: 2, max: 2, completes: 'container' },
  flags: {
    archive: { kind: 'bool', short: 'a', hidden: true, about: 'Archive mode (copy all uid/gid information)' },
    'follow-link': { kind: 'bool', short: 'L', about: 'Always follow symbol link in SRC_PATH' },
    quiet: { kind: 'bool', short: 'q', hidden: true, about: 'Suppress progress output during copy' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { args, flags, io } = context
      const [from, to] = args as [string, string]
      const source = placeIn(from)
      if (!source || (to !== '-' && placeIn(to))) {
        throw fail(
          'USAGE_INVALID',
          source ? 'copying between containers is not supported' : 'copying into containers is not supported yet',
          {
            hint: 'slipway cp NAME:PATH DESTINATION copies out of a container, an image or a step',
          },
        )
      }
      const request = { ...source, follow: flags['follow-link'] }
      const job = jobOf(context)
      if (to !== '-') await engine.copyOut(request, to, job)
      else for await (const chunk of engine.copyOutTar(request, job)) await io.stdout.write(chunk)
      return 0
    }),
})
