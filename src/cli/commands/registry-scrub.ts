import type { ScrubRun } from '../../serve/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { UPKEEP_FLAGS, upkeepOf } from '../registry-root.ts'
import { humanSize } from '../render/sizes.ts'

/** `slipway registry scrub`. Exits with 1 when something is damaged. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  description: 'Read all blobs of a registry again and set aside those that are damaged',
  operands: { min: 0, max: 0 },
  flags: UPKEEP_FLAGS,
  async run(context) {
    const { checked, bytes, bad, missing, orphans } = (await upkeepOf(context, 'scrub')) as ScrubRun
    const { stdout } = context.io
    for (const digest of bad) await stdout.write(`damaged ${digest}\n`)
    for (const digest of missing) await stdout.write(`missing ${digest}\n`)
    await stdout.write(
      `Checked ${checked} ${checked === 1 ? 'blob' : 'blobs'}, ${humanSize(bytes)}; removed ${orphans} stray files\n`,
    )
    return bad.length + missing.length > 0 ? 1 : 0
  },
})
