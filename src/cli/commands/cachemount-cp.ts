import { fail, hasCode } from '../../core/index.ts'
import type { Engine } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { withEngine } from '../session.ts'

/** A cache and a path in it; ids may have colons themselves, so the longest one that is known counts. */
function inCache(engine: Engine, text: string): { name: string; inside: string } | undefined {
  for (let cut = text.lastIndexOf(':'); cut > 0; cut = text.lastIndexOf(':', cut - 1)) {
    const name = text.slice(0, cut)
    try {
      engine.cacheMounts.inspect(name)
      return { name, inside: text.slice(cut + 1) }
    } catch (error) {
      if (!hasCode(error, 'CACHE_MOUNT_NOT_FOUND')) throw error
    }
  }
  return undefined
}

/** `slipway cachemount cp`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] ID:SRC_PATH DEST_PATH',
  usages: ['[OPTIONS] SRC_PATH ID:DEST_PATH'],
  operands: { min: 2, max: 2, completes: 'file' },
  flags: {
    archive: { kind: 'bool', short: 'a', about: 'Archive mode (copy all uid/gid information)' },
    'follow-link': { kind: 'bool', short: 'L', about: 'Always follow symbol link in SRC_PATH' },
    quiet: { kind: 'bool', short: 'q', about: 'Suppress progress output during copy', hidden: true },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args } = context
      const [source = '', target = ''] = args
      if (args.includes('-')) {
        throw fail('USAGE_INVALID', 'copying from or to a tar stream is not supported', {
          hint: 'slipway cachemount export writes a tar, slipway cachemount import reads one; a file is called ./-',
        })
      }
      const [from, to] = [inCache(engine, source), inCache(engine, target)]
      if (from && to) throw fail('USAGE_INVALID', 'copying between cache mounts is not supported')
      if (!from && !to) {
        throw fail('CACHE_MOUNT_NOT_FOUND', 'must specify at least one cache mount that is there, as ID:PATH', {
          hint: 'slipway cachemount ls shows all',
        })
      }
      const { name, inside } = (from ?? to)!
      const more = { archive: flags.archive, followLink: flags['follow-link'] }
      const direction = from ? 'out' : 'in'
      await engine.cacheMounts.copy({ name, inside, outside: from ? target : source, direction, ...more })
      return 0
    }),
})
