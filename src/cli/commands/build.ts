import { rmSync, writeFileSync } from 'node:fs'
import { bytesOf, fail, messageOf, SlipwayError } from '../../core/index.ts'
import type { Engine, PastBuild, ProgressEvent } from '../../engine/index.ts'
import { saveFile } from '../../transfer/index.ts'
import { answerCall, type Call, callOf } from '../build/call.ts'
import { checkExpected, checkExplain, explain } from '../build/explain.ts'
import { FLAGS } from '../build/flags.ts'
import { updateLock } from '../build/lock.ts'
import { metadataOf } from '../build/metadata.ts'
import { requestOf } from '../build/request.ts'
import { renderVerification } from '../build/verification.ts'
import { watchBuild } from '../build/watch.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { recordObject, reportTable } from '../render/build-report.ts'
import { chooseColors } from '../render/colors.ts'
import { renderBuildError } from '../render/error.ts'
import { chooseProgressMode, createProgressRenderer, openProgress, renderWarnings } from '../render/progress/index.ts'
import { jobOf, withEngine } from '../session.ts'

/** What Docker's builder finds before it begins to solve has one phrase less. */
function phrased(error: unknown): unknown {
  if (!(error instanceof SlipwayError) || error.fault === 'canceled') return error
  const before: string[] = [
    ...['CONTEXT_MISSING', 'USAGE_INVALID', 'HOST_CA_MISSING', 'EPOCH_INVALID', 'PLATFORM_INVALID'],
    ...['OUTPUT_INVALID', 'OUTPUT_UNSUPPORTED'],
  ]
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

function reportOf(record: PastBuild, format: string): string {
  if (format === 'table') return reportTable(record)
  return `${JSON.stringify(recordObject(record, Date.now()), null, 2)}\n`
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

interface CallOptions {
  call: Call
  listen(event: ProgressEvent): void
  tellWarnings(): Promise<void>
}

/** Prints what `--call` asks for in place of building, and gives the exit code. */
async function runCall(
  engine: Engine,
  context: CommandContext<typeof FLAGS>,
  { call, listen, tellWarnings }: CallOptions,
): Promise<number> {
  const answer = await answerCall(engine, await requestOf(context as never), call, jobOf(context, listen))
  await tellWarnings()
  await context.io.stdout.write(answer.out)
  await context.io.stderr.write(answer.err ?? '')
  return call.ignoresStatus ? 0 : answer.code
}

/** `slipway build`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  operands: { min: 1, max: 1, completes: 'directory' },
  flags: FLAGS,
  run: (context) => {
    const call = callOf(context.flags, context.given)
    return withEngine(context, async (engine) => {
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
      let lockChanges = ''
      const tellWarnings = async (): Promise<void> => {
        progress.close()
        if (!flags.quiet)
          await io.stderr.write(lockChanges + renderWarnings(warnings, { debug: context.globals.debug }))
      }
      try {
        if (call) return await runCall(engine, context as never, { call, listen, tellWarnings })
        if (flags.watch) return await watchBuild(engine, context as never, phrased)
        removeStale(flags.iidfile)
        if (flags.pull) listen(PULL_IGNORED)
        const request = await requestOf(context as never)
        const writesToStdout = request.outputs?.some((output) => 'dest' in output && typeof output.dest !== 'string')
        const job = jobOf(context, listen)
        lockChanges = await updateLock(engine, flags['update-lock'], request, job)
        const report = await engine.build(request, job)
        await tellWarnings()
        if (flags.quiet && !writesToStdout) await io.stdout.write(report.image ? `${report.id}\n` : '\n')
        if (flags.report) await io.stdout.write(reportOf(report.record, flags.report))
        if (flags.iidfile && report.image) writeId(flags.iidfile, report.id)
        if (flags['metadata-file'])
          await saveFile(flags['metadata-file'], bytesOf(Buffer.from(metadataOf(report, env))), 0o644)
        await explain(context, report.explanation)
        if (report.verification) await io.stderr.write(renderVerification(report.verification))
        const code = await checkExpected(context, report.explanation)
        return report.verification?.reproducible === false ? 1 : code
      } catch (error) {
        await tellWarnings()
        const build = engine.builds.latest()
        if (!call && build && build.startedAt >= startedAt) await explain(context, build.steps)
        const [record] = !call && flags.report ? engine.builds.list() : []
        if (record && record.startedAt >= startedAt) await io.stdout.write(reportOf(record, flags.report!))
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
    })
  },
})
