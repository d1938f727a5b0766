import type { Collected, GcRun } from '../../serve/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { UPKEEP_FLAGS, upkeepOf } from '../registry-root.ts'
import { humanSize } from '../render/sizes.ts'

/** `slipway registry gc`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  description: 'Remove what nothing in a registry needs any more, also while it serves',
  operands: { min: 0, max: 0 },
  flags: { 'dry-run': { kind: 'bool', about: 'Only say what would be removed' }, ...UPKEEP_FLAGS },
  async run(context) {
    const { flags, io } = context
    if (flags['dry-run']) {
      const found = (await upkeepOf(context, 'gc-preview')) as Collected
      await io.stdout.write(`Would remove ${textOf(found)}\n`)
      return 0
    }
    const run = (await upkeepOf(context, 'gc')) as GcRun
    await io.stdout.write(`Removed ${textOf(run)}\n`)
    return 0
  },
})

function textOf({ manifests, blobs, bytes }: Collected): string {
  return `${manifests} ${manifests === 1 ? 'manifest' : 'manifests'} and ${blobs} ${blobs === 1 ? 'blob' : 'blobs'}: ${humanSize(bytes)}`
}
