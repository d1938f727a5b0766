import type { CommandTable } from '../command.ts'
import { type Flag, type Flags, placeholderOf } from '../flags.ts'
import { GLOBAL_FLAGS } from '../program.ts'
import { buildTree, type TreeNode } from '../tree.ts'

/** What completes a word: given words, names that `slipway __complete` knows, files, directories, or nothing. */
export type Completion =
  | { kind: 'words'; words: readonly string[] }
  | { kind: 'names'; of: string }
  | { kind: 'file' | 'directory' | 'none' }

/** A flag as the scripts need it. */
export interface CompletedFlag {
  name: string
  short: string | undefined
  about: string
  /** What completes its value; undefined for a switch. */
  value: Completion | undefined
}

/** A command or group at one of its paths. */
export interface CompletedCommand {
  path: string
  children: readonly { name: string; summary: string }[]
  flags: readonly CompletedFlag[]
  operands: Completion
  /** Flags end at the first operand. */
  stopsAtOperand: boolean
}

/** Everything a completion script must know, read from the table and the modules of all commands. */
export async function readCompletionModel(table: CommandTable): Promise<CompletedCommand[]> {
  const nodes: TreeNode[] = []
  const visit = (node: TreeNode): void => {
    nodes.push(node)
    for (const child of node.children.values()) visit(child)
  }
  visit(buildTree(table))
  const visible = nodes.filter((node) => node.path === '' || !isHidden(node))
  return await Promise.all(visible.map(describeNode))
}

function isHidden(node: TreeNode): boolean {
  return node.entry ? node.entry.hidden === true : !node.isListed
}

async function describeNode(node: TreeNode): Promise<CompletedCommand> {
  const command = node.entry ? (await node.entry.load()).command : undefined
  const flags: Flags = command?.flags ?? (node.parent === undefined ? GLOBAL_FLAGS : {})
  const children = [...node.children.values()].filter((child) => !isHidden(child))
  const { completes, max } = command?.operands ?? {}
  return {
    path: node.path,
    children: children.map(({ name, summary }) => ({ name, summary })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    flags: [...describeFlags(flags), { name: 'help', short: undefined, about: 'Print usage', value: undefined }],
    operands: completes ? completionOf(completes) : { kind: command && max !== 0 ? 'file' : 'none' },
    stopsAtOperand: command?.stopsAtOperand === true,
  }
}

function describeFlags(flags: Flags): CompletedFlag[] {
  return Object.entries(flags)
    .filter(([, flag]) => !flag.hidden && flag.deprecated === undefined)
    .map(([name, flag]) => ({
      name,
      short: flag.short,
      about: firstSentence(flag.about),
      value: valueCompletion(flag),
    }))
}

function valueCompletion(flag: Flag): Completion | undefined {
  if (flag.completes) return completionOf(flag.completes)
  if (flag.kind === 'choice') return { kind: 'words', words: flag.choices }
  return placeholderOf(flag) === '' ? undefined : { kind: 'none' }
}

function completionOf(kind: NonNullable<Flag['completes']>): Completion {
  return kind === 'file' || kind === 'directory' ? { kind } : { kind: 'names', of: kind }
}

function firstSentence(about: string): string {
  return about.split('\n')[0]!.replace(/:$/, '')
}
