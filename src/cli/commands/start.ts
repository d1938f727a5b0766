import { fail } from '../../core/index.ts'
import type { Engine } from '../../engine/index.ts'
import { attachTerminal } from '../attach.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** Starts containers one after the other; says at the end which ones did not. */
async function startAll(engine: Engine, context: Pick<CommandContext, 'args' | 'io' | 'globals' | 'signal'>) {
  const started = new Set<string>()
  const code = await forEachOperand(context, async (name) => {
    await engine.containers.start(name, {}, jobOf(context))
    started.add(name)
    await context.io.stdout.write(`${name}\n`)
  })
  const failed = context.args.filter((name) => !started.has(name))
  if (code !== 0) await context.io.stderr.write(`Error: failed to start containers: ${failed.join(', ')}\n`)
  return code
}

/** Starts one container and stays at its streams until it ends; answers with its exit code. */
async function startAttached(
  engine: Engine,
  context: Pick<CommandContext, 'args' | 'io' | 'globals' | 'signal'>,
  interactive: boolean,
): Promise<number> {
  const { args, io } = context
  if (args.length > 1) throw fail('USAGE_INVALID', 'you cannot start and attach multiple containers at once')
  const { Id: id, Config: config } = engine.containers.inspect(args[0]!) as { Id: string; Config: { Tty: boolean } }
  const session = attachTerminal(engine, id, { io, terminal: config.Tty, interactive })
  try {
    await engine.containers.start(id, { onCreated: session.begin })
    await session.outputEnded()
    return await engine.containers.wait(id, jobOf(context))
  } finally {
    session.end()
  }
}

/** `slipway start`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  ownsSignals: true,
  flags: {
    attach: { kind: 'bool', short: 'a', about: 'Attach STDOUT/STDERR and forward signals' },
    interactive: { kind: 'bool', short: 'i', about: "Attach container's STDIN" },
  },
  run: (context) =>
    withEngine(context, (engine) => {
      const { attach, interactive } = context.flags
      return attach || interactive ? startAttached(engine, context, interactive) : startAll(engine, context)
    }),
})
