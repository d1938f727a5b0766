import type { Command } from './command.ts'
import { bareValue, defaultText, type Flags, placeholderOf } from './flags.ts'
import { displayWidth } from './render/width.ts'
import { listedChildren, type TreeNode } from './tree.ts'

/** The program's name in all messages. */
export const PROGRAM = 'slipway'

const TAGLINE = 'Container images without a daemon'

/** `slipway image ls`: a node as a user calls it. */
export function pathOf(node: TreeNode): string {
  return node.path === '' ? PROGRAM : `${PROGRAM} ${node.path}`
}

/** The usage line of a command in messages about its flags and operands. */
export function usageLine(node: TreeNode, command: Command | undefined): string {
  if (!command) return node.path === '' ? `${PROGRAM} [OPTIONS] COMMAND [ARG...]` : pathOf(node)
  return [command.usage, ...(command.usages ?? [])].map((usage) => `${pathOf(node)} ${usage}`.trimEnd()).join('\n\t')
}

/** What `--help` prints for a command. `columns` is the terminal's width. */
export function renderCommandHelp(node: TreeNode, command: Command, columns: number): string {
  const parts = [`Usage:  ${usageLine(node, command)}`, command.description ?? node.summary]
  const paths = node.entry!.paths
  if (paths.length > 1) parts.push(`Aliases:\n  ${paths.map((path) => `${PROGRAM} ${path}`).join(', ')}`)
  if (command.examples) parts.push(`Examples:\n${command.examples}`)
  const flags = renderFlags(command.flags, columns - 1)
  if (flags !== '') parts.push(`Options:\n${flags}`)
  return `${parts.join('\n\n')}\n`
}

/** What `--help` prints for a group of commands, or for the whole program with its global flags. */
export function renderGroupHelp(node: TreeNode, globals: Flags, columns: number): string {
  const isRoot = node.parent === undefined
  const children = listedChildren(node)
  const common = isRoot ? children.filter((child) => child.entry?.common !== undefined) : []
  common.sort((a, b) => a.entry!.common! - b.entry!.common!)
  const groups = children.filter((child) => !child.entry)
  const others = children.filter((child) => child.entry && !common.includes(child))
  const parts = [`Usage:  ${pathOf(node)} ${isRoot ? '[OPTIONS] ' : ''}COMMAND`, isRoot ? TAGLINE : node.summary]
  if (common.length > 0) parts.push(`Common Commands:\n${renderNames(common)}`)
  if (groups.length > 0) parts.push(`Management Commands:\n${renderNames(groups)}`)
  if (others.length > 0) parts.push(`Commands:\n${renderNames(others)}`)
  if (isRoot) parts.push(`Global Options:\n${renderFlags(globals, columns - 1)}`)
  parts.push(`Run '${pathOf(node)} COMMAND --help' for more information on a command.`)
  return `${parts.join('\n\n')}\n`
}

function renderNames(nodes: readonly TreeNode[]): string {
  const width = Math.max(11, ...nodes.map((node) => node.name.length))
  return nodes.map((node) => `  ${node.name.padEnd(width)} ${node.summary}`).join('\n')
}

/** The column of flags as `pflag` lays it out, wrapped to a width. */
export function renderFlags(flags: Flags, width: number): string {
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden && flag.deprecated === undefined)
  shown.sort(([a], [b]) => (a < b ? -1 : 1))
  const rows = shown.map(([name, flag]) => {
    const left = flag.short === undefined ? `      --${name}` : `  -${flag.short}, --${name}`
    const placeholder = placeholderOf(flag)
    const bare = flag.kind === 'string' && bareValue(flag) !== undefined ? `[="${bareValue(flag)}"]` : ''
    const byDefault = defaultText(flag)
    const about = byDefault === '' ? flag.about : `${flag.about} (default ${byDefault})`
    return { left: `${left}${placeholder === '' ? '' : ` ${placeholder}`}${bare}`, about }
  })
  const column = Math.max(0, ...rows.map((row) => displayWidth(row.left))) + 3
  return rows.map((row) => `${row.left.padEnd(column)}${wrap(row.about, column, width)}`.trimEnd()).join('\n')
}

/** A word may stand out by this much before it moves to the next line, so that the last line is not one short word. */
const SLOP = 5
const MIN_WIDTH = 24

/** Wraps text that starts at column `indent` and may reach `width`; where there is no room, on lines of its own. */
function wrap(text: string, indent: number, width: number): string {
  const column = width - indent < MIN_WIDTH ? 16 : indent
  const room = width - column
  const margin = `\n${' '.repeat(column)}`
  if (room < MIN_WIDTH) return text.replaceAll('\n', margin)
  const lines: string[] = []
  for (let rest = text; rest !== ''; ) {
    const [line, after] = cutLine(rest, room - SLOP)
    lines.push(line.replaceAll('\n', margin))
    rest = after
  }
  return (column === indent ? '' : margin) + lines.join(margin)
}

function cutLine(text: string, size: number): [string, string] {
  if (size + SLOP > text.length) return [text, '']
  const head = text.slice(0, size)
  const space = Math.max(head.lastIndexOf(' '), head.lastIndexOf('\t'), head.lastIndexOf('\n'))
  if (space <= 0) return [text, '']
  const newline = head.lastIndexOf('\n')
  const cut = newline > 0 && newline < space ? newline : space
  return [text.slice(0, cut), text.slice(cut + 1)]
}
