import type { CompletionKind, Flags, FlagValues } from './flags.ts'
import type { CommandIo } from './io.ts'

/** The flags that stand before the command: `slipway --debug ps`. */
export interface GlobalFlags {
  /** The folder of config.json. */
  config: string | undefined
  /** The folder of the store. */
  root: string | undefined
  debug: boolean
  logLevel: string
}

/** What a command runs with. */
export interface CommandContext<F extends Flags = Flags> {
  flags: FlagValues<F>
  /** The names of the flags that were given, to tell a default from a wish. */
  given: ReadonlySet<string>
  args: readonly string[]
  /** All that was written after the command's name, flags included. */
  words: readonly string[]
  /** The command as it was called, for messages: `slipway image ls`. */
  path: string
  globals: GlobalFlags
  io: CommandIo
  /** All commands, for those that speak of the others (`help`, `completion`). */
  table: CommandTable
  env: NodeJS.ProcessEnv
  /** Aborted by the first SIGINT or SIGTERM; give it to the job. */
  signal: AbortSignal
}

/** A command as data: what `--help` shows, what it accepts, and what runs. */
export interface CommandSpec<F extends Flags = Flags> {
  /** What follows the command's name in the usage line, as Docker prints it: `[OPTIONS] IMAGE [IMAGE...]`. */
  usage: string
  /** Further usage lines, for commands that are called in several ways. */
  usages?: readonly string[]
  /** Longer than the summary of the table, where one sentence is not enough. */
  description?: string
  /** How many operands: at least `min`, at most `max` (no limit when absent). */
  operands: {
    min: number
    max?: number
    completes?: CompletionKind
    /** A flag with which none are needed. */
    unless?: string
  }
  flags: F
  /** Everything after the first operand belongs to it (`run IMAGE --its-own-flag`). */
  stopsAtOperand?: true
  /** The command deals with signals on its own; the signal of its context is never aborted. */
  ownsSignals?: true
  examples?: string
  /** Does the work and answers with the exit code. */
  run(context: CommandContext<F>): Promise<number>
}

/** A command with the types of its flags hidden, so that commands can stand in one table. */
export type Command = CommandSpec<Flags>

/** Checks a command against its own flags. The result fits into the table. */
export function defineCommand<const F extends Flags>(spec: CommandSpec<F>): Command {
  // The values given to `run` are made from these very flags, so they have the types it expects.
  return spec as unknown as Command
}

/** A row of the table of commands: all that is known before the command's module is loaded. */
export interface CommandEntry {
  /**
   * Every way to call it, the full one first: `['image ls', 'image list', 'images']`. A path below the same group as an
   * earlier one is an alias, which works but is not listed.
   */
  paths: readonly [string, ...string[]]
  /** One line for the list of commands. */
  summary: string
  /** Its place among the common commands at the top of `slipway --help`. */
  common?: number
  /** Works, but is not listed. */
  hidden?: true
  /** Loads the module that has the command. */
  load(): Promise<{ command: Command }>
}

/** A group of commands: `image`, `container`. */
export interface GroupEntry {
  path: string
  summary: string
  hidden?: true
}

/** All commands and groups. */
export interface CommandTable {
  commands: readonly CommandEntry[]
  groups: readonly GroupEntry[]
}
