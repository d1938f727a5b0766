import { fail } from '../../core/index.ts'
import { findSteps } from '../build/steps.ts'
import { type Command, defineCommand } from '../command.ts'
import { renderExplanation } from '../render/explanation.ts'
import { withEngine } from '../session.ts'

/** `slipway why`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [STEP]',
  description: 'Say why the last build found steps in the cache, or did not',
  operands: { min: 0, max: 1 },
  flags: {
    format: {
      kind: 'choice',
      choices: ['text', 'json'],
      default: 'text',
      about: 'Format of the output ("text", "json")',
    },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const build = engine.builds.latest()
      if (!build) throw fail('BUILD_NOT_FOUND', 'nothing was built in this store yet')
      const { id, name, status, startedAt, finishedAt, explanation } = build
      const steps = args[0] === undefined ? explanation : findSteps(explanation, args[0])
      const about = { id, name, status, startedAt, finishedAt, steps }
      await io.stdout.write(flags.format === 'json' ? `${JSON.stringify(about, null, 2)}\n` : renderExplanation(steps))
      return 0
    }),
})
