import type { RetentionReport, RetentionRun } from '../../serve/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { UPKEEP_FLAGS, upkeepOf } from '../registry-root.ts'

/** `slipway registry retention`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  description: 'Remove the tags of a registry that no retention rule keeps',
  operands: { min: 0, max: 0 },
  flags: { 'dry-run': { kind: 'bool', about: 'Only say what would become of each tag, and why' }, ...UPKEEP_FLAGS },
  async run(context) {
    const { flags, io } = context
    if (!flags['dry-run']) {
      const { kept, deleted, repositories } = (await upkeepOf(context, 'retention')) as RetentionRun
      await io.stdout.write(`Repositories: ${repositories}, tags removed: ${deleted}, kept: ${kept}\n`)
      return 0
    }
    for (const { repository, verdicts } of (await upkeepOf(context, 'retention-preview')) as RetentionReport[]) {
      for (const { tag, keep, why } of verdicts) {
        await io.stdout.write(`${keep ? 'keep  ' : 'remove'} ${repository}:${tag.name} (${why})\n`)
      }
    }
    return 0
  },
})
