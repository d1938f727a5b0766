import { rmSync, writeFileSync } from 'node:fs'
import { fail, messageOf, SlipwayError } from '../../core/index.ts'
import type { ProgressEvent } from '../../engine/index.ts'
import { checkExpected, checkExplain, explain } from '../build/explain.ts'
import { FLAGS } from '../build/flags.ts'
import { requestOf } from '../build/request.ts'
import { type Command, defineCommand } from '../command.ts'
import { chooseColors } from '../render/colors.ts'
import { renderBuildError } from '../render/error.ts'
import { chooseProgressMode, createProgressRenderer, openProgress, renderWarnings } from '../render/progress/index.ts'
import { jobOf, withEngine } from '../session.ts'

/** What Docker's builder finds before it begins to solve has one phrase less. */
function phrased(error: unknown): unknown {
  if (!(error instanceof SlipwayError) || error.fault === 'canceled') return error
  const before: string[] = ['CONTEXT_MISSING', 'USAGE_INVALID', 'HOST_CA_MISSING', 'EPOCH_INVALID', 'PLATFORM_INVALID']
  const ofFlags: string[] = ['REFERENCE_INVALID', 'BUILD_UNSUPPORTED']
  if (before.includes(error.code) || (ofFlags.includes(error.code) && !error.span)) return error
  const { code, message, hint, span, data, cause } = error
  return new SlipwayError(code, `failed to solve: ${message}`, {
    data,
    cause,
    ...(hint === undefined ? {} : { hint }),
    ...(span ? { span } : {}),
  })
}

const PULL_IGNORED: ProgressEvent = {
  type: 'warning',
  code: 'PULL_IGNORED',
  message: '--pull has no effect: images come from the store alone, registries are not supported yet',
}

/** A script that reads the id of a build that failed must find none. */
function removeStale(iidfile: string | undefined): void {
  if (iidfile) rmSync(iidfile, { force: true })
}

function writeId(iidfile: string, id: string): void {
  try {
    writeFileSync(iidfile, id)
  } catch (error) {
    const problem = messageOf(error).replace(/^\w+: (.*), open .*$/, '$1')
    throw fail('USAGE_INVALID', `writing image ID file: open ${iidfile}: ${problem}`, { cause: error })
  }
}

/** `slipway build`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  operands: { min: 1, max: 1, completes: 'directory' },
  flags: FLAGS,
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io, env } = context
      checkExplain(flags.explain)
      const mode = flags.quiet ? 'quiet' : chooseProgressMode(flags.progress, io.stderr.terminal(), env)
      const heading = 'building with Slipway, no daemon'
      const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env, heading })
      const progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
      const startedAt = Date.now()
      const warnings: Extract<ProgressEvent, { type: 'warning' }>[] = []
      const listen = (event: ProgressEvent): void => {
        if (event.type === 'warning') warnings.push(event)
        progress.progress(event)
      }
      try {
        removeStale(flags.iidfile)
        if (flags.pull) listen(PULL_IGNORED)
        const report = await engine.build(await requestOf(context as never), jobOf(context, listen))
        progress.close()
        if (!flags.quiet) await io.stderr.write(renderWarnings(warnings, { debug: context.globals.debug }))
        if (flags.quiet) await io.stdout.write(`${report.id}\n`)
        if (flags.iidfile) writeId(flags.iidfile, report.id)
        await explain(context, report.explanation)
        return await checkExpected(context, report.explanation)
      } catch (error) {
        progress.close()
        const build = engine.builds.latest()
        if (build && build.startedAt >= startedAt) await explain(context, build.steps)
        const { columns, colors } = io.stderr.terminal()
        await io.stderr.write(
          renderBuildError(phrased(error), {
            columns,
            colors: chooseColors(colors, env),
            debug: context.globals.debug,
          }),
        )
        return error instanceof SlipwayError && error.fault === 'canceled' ? 130 : 1
      }
    }),
})
