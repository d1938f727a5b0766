import { fail, messageOf, type SlipwayError } from '../core/index.ts'
import type { Command } from './command.ts'
import { PROGRAM, pathOf, usageLine } from './help.ts'
import { escapeName } from './render/escape.ts'
import type { TreeNode } from './tree.ts'

/** Exit codes as Docker has them: 125 for a wrong flag, 1 for wrong operands and unknown commands. */
const FLAG_EXIT_CODE = 125
const OPERAND_EXIT_CODE = 1

/** A usage error as it is printed, word for word, with its exit code. */
function usageError(text: string, exitCode: number, cause?: unknown): SlipwayError {
  return fail('USAGE_INVALID', text, { data: { exitCode, isWhole: true }, cause })
}

/** Whether the message of an error is all there is to print. */
export function isWholeMessage(error: SlipwayError): boolean {
  return error.data['isWhole'] === true
}

/** A wrong flag: its fault, the usage line and where to read more. */
export function flagError(node: TreeNode, command: Command | undefined, cause: unknown): SlipwayError {
  const text = `${messageOf(cause)}\n\nUsage:  ${usageLine(node, command)}\n\nRun '${pathOf(node)} --help' for more information`
  return usageError(text, FLAG_EXIT_CODE, cause)
}

/** A word that is no command, at the root or in a group. */
export function unknownCommand(node: TreeNode, word: string): SlipwayError {
  const usage = node.parent === undefined ? '' : `\nUsage:  ${pathOf(node)}\n`
  const head = `${PROGRAM}: unknown command: ${pathOf(node)} ${escapeName(word)}\n`
  return usageError(`${head}${usage}\nRun '${pathOf(node)} --help' for more information`, OPERAND_EXIT_CODE)
}

/** Fails when there are more or fewer operands than the command takes. */
export function checkOperands(node: TreeNode, command: Command, count: number, given: ReadonlySet<string>): void {
  const { min, max = Number.POSITIVE_INFINITY, unless } = command.operands
  if (count >= min && count <= max) return
  if (count === 0 && unless !== undefined && given.has(unless)) return
  const path = pathOf(node)
  const text = `${PROGRAM}: '${path}' ${describeOperands(min, max)}\n\nUsage:  ${usageLine(node, command)}\n\n`
  // Docker has two wordings
  const verb = min > 0 && max === Number.POSITIVE_INFINITY ? 'See' : 'Run'
  throw usageError(`${text}${verb} '${path} --help' for more information`, OPERAND_EXIT_CODE)
}

function describeOperands(min: number, max: number): string {
  if (max === 0) return 'accepts no arguments'
  if (min === max) return `requires ${plural(min)}`
  if (max === Number.POSITIVE_INFINITY) return `requires at least ${plural(min)}`
  return min === 0 ? `requires at most ${plural(max)}` : `requires at least ${min} and at most ${plural(max)}`
}

function plural(count: number): string {
  return `${count} argument${count === 1 ? '' : 's'}`
}
