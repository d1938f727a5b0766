import { messageOf, SlipwayError } from '../core/index.ts'
import type { CommandContext, CommandTable } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { renderCommandHelp, renderGroupHelp } from './help.ts'
import { type CommandIo, OutputClosed, processIo } from './io.ts'
import { GLOBAL_FLAGS, parseCommandLine, type Request } from './program.ts'
import { chooseColors } from './render/colors.ts'
import { exitCodeOf, renderError } from './render/error.ts'
import { watchSignals } from './signals.ts'
import { isWholeMessage } from './usage.ts'
import { programCommit, programVersion } from './version.ts'

/** What the command line works with; tests give their own. */
export interface MainOptions {
  table?: CommandTable
  io?: CommandIo
  env?: NodeJS.ProcessEnv
}

/** The exit code of a program that a broken pipe ended: 128 + SIGPIPE. */
const BROKEN_PIPE = 141

/**
 * The command line: reads the arguments (without `node` and the script), runs the command and answers with the exit
 * code. Never throws; what goes wrong is printed to stderr.
 */
export async function main(argv: readonly string[], options: MainOptions = {}): Promise<number> {
  const { table = COMMANDS, io = processIo(), env = process.env } = options
  let debug = false
  try {
    const request = await parseCommandLine(argv, table)
    debug = request.kind === 'run' && (request.context.globals.debug || request.context.flags['debug'] === true)
    return await answer(request, { io, table, env })
  } catch (error) {
    return await report(error, io, { env, debug })
  }
}

type Surroundings = Pick<CommandContext, 'io' | 'table' | 'env'>

async function answer(request: Request, surroundings: Surroundings): Promise<number> {
  const { io } = surroundings
  if (request.kind === 'version') {
    const commit = programCommit()
    await io.stdout.write(`Slipway version ${programVersion()}${commit === '' ? '' : `, build ${commit}`}\n`)
    return 0
  }
  for (const note of request.notes) await io.stderr.write(`${note}\n`)
  if (request.kind === 'run') return await run(request, surroundings)
  // Help that nobody asked for (`slipway image`) goes to stderr, as Docker does it.
  const output = request.isAnswer ? io.stdout : io.stderr
  await output.write(helpFor(request, output.terminal().columns))
  return 0
}

function helpFor(request: Request & { kind: 'help' }, columns: number): string {
  const { node, command } = request
  return command ? renderCommandHelp(node, command, columns) : renderGroupHelp(node, GLOBAL_FLAGS, columns)
}

async function run(request: Request & { kind: 'run' }, surroundings: Surroundings): Promise<number> {
  const { command, context } = request
  if (command.ownsSignals)
    return await command.run({ ...context, ...surroundings, signal: new AbortController().signal })
  using watch = watchSignals()
  const code = await command.run({ ...context, ...surroundings, signal: watch.signal })
  return code === 0 ? (watch.exitCode() ?? 0) : code
}

async function report(error: unknown, io: CommandIo, how: { env: NodeJS.ProcessEnv; debug: boolean }): Promise<number> {
  if (error instanceof OutputClosed) return BROKEN_PIPE
  try {
    await io.stderr.write(describe(error, io, how))
  } catch {
    // Nobody reads stderr: the exit code still tells.
  }
  return exitCodeOf(error)
}

function describe(error: unknown, io: CommandIo, { env, debug }: { env: NodeJS.ProcessEnv; debug: boolean }): string {
  if (error instanceof SlipwayError && isWholeMessage(error)) return `${messageOf(error)}\n`
  const { columns, colors } = io.stderr.terminal()
  return renderError(error, { columns, colors: chooseColors(colors, env), debug })
}
