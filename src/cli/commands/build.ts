import type { Engine } from '../../engine/index.ts'
import { answerCall, type Call, callOf } from '../build/call.ts'
import { type BuildConsole, openConsole } from '../build/console.ts'
import { checkExplain } from '../build/explain.ts'
import { phrased, tellFailure } from '../build/failure.ts'
import { type BuildFlags, FLAGS } from '../build/flags.ts'
import { updateLock } from '../build/lock.ts'
import { requestOf } from '../build/request.ts'
import { removeStale, tellResult } from '../build/result.ts'
import { resumed } from '../build/resume.ts'
import { watchBuild } from '../build/watch.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

type Context = CommandContext & { flags: BuildFlags }

/** Prints what `--call` asks for in place of building, and gives the exit code. */
async function runCall(engine: Engine, context: Context, call: Call, console: BuildConsole): Promise<number> {
  const answer = await answerCall(engine, await requestOf(context), call, jobOf(context, console.listen))
  await console.close()
  await context.io.stdout.write(answer.out)
  await context.io.stderr.write(answer.err ?? '')
  return call.ignoresStatus ? 0 : answer.code
}

async function runBuild(engine: Engine, context: Context, console: BuildConsole): Promise<number> {
  const { flags } = context
  removeStale(flags.iidfile)
  const request = await requestOf(context)
  const job = jobOf(context, console.listen)
  const lockChanges = await updateLock(engine, flags['update-lock'], request, job)
  const report = await engine.build(request, job)
  await console.close(lockChanges)
  return tellResult(context, request, report)
}

async function run(engine: Engine, context: Context): Promise<number> {
  const { flags } = context
  checkExplain(flags.explain)
  const call = callOf(flags, context.given)
  if (flags.watch && !call) return watchBuild(engine, context, phrased)
  const console = openConsole(context)
  try {
    return call ? await runCall(engine, context, call, console) : await runBuild(engine, context, console)
  } catch (error) {
    await console.close()
    return tellFailure(engine, context, error)
  }
}

/** `slipway build`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  operands: { min: 1, max: 1, completes: 'directory', unless: 'resume' },
  flags: FLAGS,
  run: (given) =>
    withEngine(given, async (engine) => {
      const context = given as unknown as Context
      return run(engine, context.args.length === 0 ? resumed(engine, context) : context)
    }),
})
