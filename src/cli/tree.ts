import type { CommandEntry, CommandTable } from './command.ts'

/** A command or group at one of its paths. */
export interface TreeNode {
  name: string
  /** Words from the program on: `image ls`; `''` for the root. */
  path: string
  summary: string
  parent: TreeNode | undefined
  children: Map<string, TreeNode>
  /** The command to run; a group has none. */
  entry: CommandEntry | undefined
  /** Not listed: hidden, or another name of its sibling. */
  isListed: boolean
}

/** The commands of the table by their paths, groups included. */
export function buildTree(table: CommandTable): TreeNode {
  const root = node('', undefined, '')
  for (const group of table.groups) {
    Object.assign(place(root, group.path), { summary: group.summary, isListed: !group.hidden })
  }
  for (const entry of table.commands) {
    const parents = new Set<TreeNode>()
    for (const path of entry.paths) {
      const placed = place(root, path)
      const isListed = !entry.hidden && !parents.has(placed.parent!)
      parents.add(placed.parent!)
      Object.assign(placed, { summary: entry.summary, entry, isListed })
    }
  }
  return root
}

function node(name: string, parent: TreeNode | undefined, path: string): TreeNode {
  return { name, path, summary: '', parent, children: new Map(), entry: undefined, isListed: true }
}

function place(root: TreeNode, path: string): TreeNode {
  let current = root
  for (const word of path.split(' ')) {
    let child = current.children.get(word)
    if (!child) {
      child = node(word, current, current.path === '' ? word : `${current.path} ${word}`)
      current.children.set(word, child)
    }
    current = child
  }
  return current
}

/** The node that words lead to, or undefined. */
export function findNode(root: TreeNode, words: readonly string[]): TreeNode | undefined {
  let current: TreeNode | undefined = root
  for (const word of words) current = current?.children.get(word)
  return current
}

/** The children to list, by name. */
export function listedChildren(parent: TreeNode): TreeNode[] {
  const listed = [...parent.children.values()].filter((child) => child.isListed)
  return listed.sort((a, b) => (a.name < b.name ? -1 : 1))
}
