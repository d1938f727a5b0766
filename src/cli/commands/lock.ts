import { SlipwayError } from '../../core/index.ts'
import { DEFINITION_FLAGS, definitionOf } from '../build/definition.ts'
import { renderLock } from '../build/lock.ts'
import { parseAgents, parseSecrets } from '../build/secrets.ts'
import { type Command, defineCommand } from '../command.ts'
import { chooseColors } from '../render/colors.ts'
import { renderBuildError } from '../render/error.ts'
import { warningJob, withEngine } from '../session.ts'

/** `slipway lock`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL',
  description:
    'Write Dockerfile.lock beside the Dockerfile: which image each name stands for now, what each URL holds, and which\ncommit each git reference means. "slipway build --locked" goes by it.',
  operands: { min: 1, max: 1, completes: 'directory' },
  flags: {
    ...DEFINITION_FLAGS,
    check: { kind: 'bool', about: 'Write nothing; exit with 1 when something would change' },
    secret: { kind: 'list', placeholder: 'stringArray', about: 'Secret to expose, such as GIT_AUTH_TOKEN' },
    ssh: { kind: 'list', placeholder: 'stringArray', about: 'SSH agent socket or keys to expose' },
    update: { kind: 'csv', about: 'Look up only these image names and URLs anew', placeholder: 'names' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io, env } = context
      const { job, tellWarnings } = warningJob(context)
      try {
        const { check, update } = flags
        const lent = { secrets: parseSecrets(flags.secret, env), ssh: parseAgents(flags.ssh, env) }
        const definition = await definitionOf(context as never)
        const request = { ...definition, ...lent, check, ...(update.length > 0 ? { update } : {}) }
        const report = await engine.lock(request, job)
        await tellWarnings()
        await io.stdout.write(renderLock(report))
        return check && report.changes.length > 0 ? 1 : 0
      } catch (error) {
        if (!(error instanceof SlipwayError) || !error.span) throw error
        const { columns, colors } = io.stderr.terminal()
        await io.stderr.write(
          renderBuildError(error, { columns, colors: chooseColors(colors, env), debug: context.globals.debug }),
        )
        return 1
      }
    }),
})
