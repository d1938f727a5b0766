import type { CacheMountSummary } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { renderError } from '../render/error.ts'
import { withEngine } from '../session.ts'
import { renderObject } from '../template/index.ts'

function described(cache: CacheMountSummary): Record<string, unknown> {
  const { mode, uid, gid } = cache
  return {
    Key: cache.key,
    ID: cache.id,
    Namespace: cache.namespace,
    Instance: cache.instance,
    Origin: cache.origin,
    Mode: mode === null ? null : mode.toString(8).padStart(4, '0'),
    Uid: uid,
    Gid: gid,
    Created: new Date(cache.createdAt).toISOString(),
    LastUsed: new Date(cache.usedAt).toISOString(),
    Uses: cache.uses,
    InUse: cache.inUse,
    Size: cache.bytes,
    Files: cache.files,
  }
}

/** `slipway cachemount inspect`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] ID [ID...]',
  operands: { min: 1 },
  flags: { format: OBJECT_FORMAT },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const found: Record<string, unknown>[] = []
      let code = 0
      for (const name of args) {
        try {
          found.push(...engine.cacheMounts.inspect(name).map(described))
        } catch (error) {
          code = 1
          await io.stderr.write(renderError(error))
        }
      }
      const lines = found.map((object) => `${renderObject(flags.format || 'json', object)}\n`)
      await io.stdout.write(flags.format === '' ? `${JSON.stringify(found, undefined, 4)}\n` : lines.join(''))
      return code
    }),
})
