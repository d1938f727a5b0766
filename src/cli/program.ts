import { Command as Commander } from 'commander'
import type { Command, CommandContext, CommandTable, GlobalFlags } from './command.ts'
import type { Flags } from './flags.ts'
import { type ParsedArguments, parseArguments } from './grammar.ts'
import { pathOf } from './help.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { checkOperands, flagError, unknownCommand } from './usage.ts'

/** The flags of the program itself. Those of Docker's daemon connection are accepted and mean nothing here. */
export const GLOBAL_FLAGS: Flags = {
  config: { kind: 'string', about: 'Location of client config files', completes: 'directory' },
  debug: { kind: 'bool', short: 'D', about: 'Enable debug mode' },
  'log-level': {
    kind: 'choice',
    short: 'l',
    choices: ['debug', 'info', 'warn', 'error', 'fatal'],
    default: 'info',
    about: 'Set the logging level ("debug", "info", "warn", "error", "fatal")',
  },
  root: { kind: 'string', about: 'Location of the store', completes: 'directory' },
  version: { kind: 'bool', short: 'v', about: 'Print version information and quit' },
  host: { kind: 'list', short: 'H', hidden: true, about: 'Accepted for scripts: there is no daemon' },
  context: { kind: 'string', short: 'c', hidden: true, about: 'Accepted for scripts: there is no daemon' },
}

/** What a command line asks for. */
export type Request =
  | {
      kind: 'run'
      node: TreeNode
      command: Command
      context: Omit<CommandContext, 'io' | 'table' | 'env' | 'signal'>
      notes: string[]
    }
  | { kind: 'help'; node: TreeNode; command: Command | undefined; isAnswer: boolean; notes: string[] }
  | { kind: 'version' }

/**
 * Finds out what a command line asks for, and loads the module of its command. Fails with `USAGE_INVALID`, whose
 * message is ready to print.
 */
export async function parseCommandLine(argv: readonly string[], table: CommandTable): Promise<Request> {
  const root = buildTree(table)
  const session: Session = { root, globals: undefined, request: undefined }
  await new DockerCommand(root, session).parseAsync(argv, { from: 'user' })
  // Every leaf, group and flag that ends a command line sets the request.
  return session.request!
}

interface Session {
  root: TreeNode
  globals: GlobalFlags | undefined
  request: Request | undefined
}

/**
 * A commander command that reads its flags by Docker's grammar. Commander walks from group to command; children are
 * made when they are called, and a command's flags are loaded just before they are needed.
 */
class DockerCommand extends Commander {
  readonly #node: TreeNode
  readonly #session: Session
  #command: Command | undefined

  constructor(node: TreeNode, session: Session) {
    super(node.name)
    this.#node = node
    this.#session = session
    this.helpCommand(false).helpOption(false).allowExcessArguments(true)
    this.hook('preSubcommand', (_parent, child) => (child as DockerCommand).#load())
    if (node.entry || node.parent === undefined) this.action(() => {})
  }

  async #load(): Promise<void> {
    this.#command = (await this.#node.entry?.load())?.command
  }

  override parseOptions(args: string[]): { operands: string[]; unknown: string[] } {
    return this.#command ? this.#readCommand(args, this.#command) : this.#readGroup(args)
  }

  #readCommand(args: readonly string[], command: Command): { operands: string[]; unknown: string[] } {
    const parsed = this.#read(args, command.flags, command.stopsAtOperand === true)
    const { values, given, notes } = parsed
    const operands = [...parsed.operands, ...parsed.rest]
    if (parsed.help !== 'none') {
      this.#answer({ kind: 'help', node: this.#node, command, isAnswer: true, notes })
      return { operands: [], unknown: [] }
    }
    checkOperands(this.#node, command, operands.length, given)
    const globals = this.#session.globals!
    const path = pathOf(this.#node)
    this.#answer({
      kind: 'run',
      node: this.#node,
      command,
      notes,
      context: { flags: values as CommandContext['flags'], given, args: operands, words: args, path, globals },
    })
    return { operands: [], unknown: [] }
  }

  #readGroup(args: readonly string[]): { operands: string[]; unknown: string[] } {
    const isRoot = this.#node.parent === undefined
    const parsed = this.#read(args, isRoot ? GLOBAL_FLAGS : {}, true)
    const { notes } = parsed
    if (isRoot) this.#session.globals = globalsOf(parsed.values)
    const [word] = parsed.operands
    const child = word === undefined ? undefined : this.#node.children.get(word)
    if (child && parsed.help === 'none') {
      this.addCommand(new DockerCommand(child, this.#session))
      return { operands: [child.name], unknown: parsed.rest }
    }
    if (isRoot && word === undefined && parsed.values['version'] === true) this.#answer({ kind: 'version' })
    else if (word === undefined || parsed.help !== 'none' || asksForHelp(parsed.rest)) {
      const isAnswer = parsed.help !== 'none' || word !== undefined
      this.#answer({ kind: 'help', node: this.#node, command: undefined, isAnswer, notes })
    } else throw unknownCommand(this.#node, word)
    return { operands: [], unknown: [] }
  }

  #read(args: readonly string[], flags: Flags, stopsAtOperand: boolean): ParsedArguments {
    try {
      const parsed = parseArguments(args, flags, { stopsAtOperand })
      if (parsed.help === 'short') parsed.notes.push('Flag shorthand -h has been deprecated, use --help')
      return parsed
    } catch (error) {
      throw flagError(this.#node, this.#command, error)
    }
  }

  #answer(request: Request): void {
    this.#session.request = request
    // A group that answers has no child to go to and no action of its own.
    this.action(() => {})
  }
}

function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h')
}

function globalsOf(values: Record<string, unknown>): GlobalFlags {
  return {
    config: values['config'] as string | undefined,
    root: values['root'] as string | undefined,
    debug: values['debug'] === true,
    logLevel: values['log-level'] as string,
  }
}
