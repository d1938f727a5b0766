import { type CommandLine, parse, parseInstruction } from '../dockerfile/index.ts'
import { type Line, type NameOf, refersTo } from './line.ts'
import { mountFlag, type RunMount } from './mounts.ts'

/** How a step runs. */
export interface RunOptions {
  mounts?: readonly RunMount[]
  network?: 'default' | 'none' | 'host'
  security?: 'sandbox' | 'insecure'
}

/** RUN: a line or a script for the shell, or a program with its arguments. */
export function runLine(command: string | readonly string[], options: RunOptions = {}): Line {
  const { mounts = [], network, security } = options
  const flags = (nameOf: NameOf): string[] => [
    ...mounts.map((mount) => mountFlag(mount, nameOf)),
    ...(network === undefined ? [] : [`--network=${network}`]),
    ...(security === undefined ? [] : [`--security=${security}`]),
  ]
  return {
    uses: mounts.flatMap((mount) => refersTo(mount.from).uses),
    write: (nameOf) => ['RUN', ...flags(nameOf), commandText(command)].join(' '),
  }
}

/** As the instruction takes it: JSON for a list, the line itself, or a here-document for what a line cannot say. */
export function commandText(command: string | readonly string[]): string {
  if (typeof command !== 'string') return JSON.stringify(command)
  return isPlainLine(command) ? command : hereDocument(command)
}

/** Whether the language reads the line as the one command that it is. */
function isPlainLine(command: string): boolean {
  if (/[\n\r]/.test(command) || command.trim() !== command || command === '') return false
  try {
    const { nodes } = parse({ name: 'RUN', text: `RUN ${command}\n` })
    const [node] = nodes
    if (nodes.length !== 1 || node!.heredocs.length > 0 || node!.flags.length > 0) return false
    const read = parseInstruction(node!) as { command?: CommandLine }
    return read.command?.form === 'shell' && read.command.text === command
  } catch {
    return false
  }
}

/** The text between two lines with a word that none of its lines is. */
export function hereDocument(text: string, rest = ''): string {
  const lines = new Set(text.split('\n'))
  let name = 'EOF'
  for (let n = 1; lines.has(name); n++) name = `EOF${n}`
  const body = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return rest === '' ? `<<${name}\n${body}${name}` : `<<"${name}" ${rest}\n${body}${name}`
}
