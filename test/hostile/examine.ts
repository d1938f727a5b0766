/** What every command over hostile input must keep to, whatever its outcome. */
import { CODES } from '../../src/core/index.ts'
import { type CommandOptions, type CommandResult, runCommand } from '../command.ts'

/** The end of a command, judged. */
export interface Examined {
  result: CommandResult
  /** The code of the error that it printed, if any. */
  code: string | undefined
  /** The first line of that error. */
  message: string
  /** What no command may do. */
  problems: string[]
}

/** Seconds after which a command counts as hanging. */
export const TIME_LIMIT = 60
/** Bytes that no process of ours may need. */
export const MEMORY_LIMIT: number = 512 << 20

// C0 but tab and newline, DEL, C1, and what reorders or hides text
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

/** Runs a command and looks for hanging, hunger, errors without a reason, and bytes that a terminal would obey. */
export async function examine(
  args: readonly string[],
  options: CommandOptions & { output?: 'ours' | 'of a container' },
): Promise<Examined> {
  const result = await runCommand(args, { limitSeconds: TIME_LIMIT, ...options })
  const problems: string[] = []
  const { code, message } = errorOf(result.stderr)
  const name = args.find((arg) => !arg.startsWith('-'))
  if (result.timedOut) problems.push(`${name} hung`)
  if (result.peakMemory > MEMORY_LIMIT) problems.push(`${name} took ${result.peakMemory >> 20} MiB of memory`)
  if (result.exitCode !== 0 && options.output !== 'of a container' && !isReason(code)) {
    problems.push(`${name} failed without a reason (exit ${result.exitCode}): ${result.stderr.slice(-300)}`)
  }
  const shown = options.output === 'of a container' ? '' : result.stdout.toString() + result.stderr
  const control = OBEYED.exec(shown)
  if (control) {
    const context = shown.slice(Math.max(0, control.index - 20), control.index + 20)
    problems.push(`${name} printed a control: ${JSON.stringify(context)}`)
  }
  return { result, code, message, problems }
}

/** A code that tells a user something: not the one for what should not happen. */
export function isReason(code: string | undefined): boolean {
  return code !== undefined && code in CODES && code !== 'INTERNAL'
}

/** Finds message and code of an error as the command line prints it, at the end of a line or on a line of its own. */
function errorOf(stderr: string): { code: string | undefined; message: string } {
  const lines = stderr.split('\n')
  // Docker's words, which need no code
  if (/^(unknown flag|unknown shorthand flag): /.test(stderr)) return { code: 'USAGE_INVALID', message: lines[0]! }
  const at = lines.findIndex((line) => /^(error:|ERROR: failed to build:)/.test(line))
  if (at < 0) return { code: undefined, message: '' }
  const code = lines
    .slice(at)
    .map((line) => /(?:^| )([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|CANCELED|INTERNAL)$/.exec(line)?.[1])
    .find((word) => word !== undefined && word in CODES)
  return { code, message: lines[at]!.replace(/\s+[A-Z_]+$/, '').slice(0, 200) }
}
