import { fail, type SourceFile } from '../core/index.ts'
import type { Directive } from './directives.ts'
import { type Instruction, parseInstruction } from './instruction.ts'
import type { ArgInstruction } from './instructions/arg.ts'
import { checkCopyFrom } from './instructions/copy.ts'
import type { FromInstruction } from './instructions/from.ts'
import { located } from './locate.ts'
import type { DockerfileNode } from './node.ts'
import { type ParseWarning, parse } from './parse.ts'

/** A Dockerfile that was understood. */
export interface Dockerfile {
  readonly source: SourceFile
  readonly directives: readonly Directive[]
  /** The escape character. */
  readonly escape: string
  /** ARG instructions before the first stage. */
  readonly globalArgs: readonly ArgInstruction[]
  readonly stages: readonly Stage[]
  readonly warnings: readonly ParseWarning[]
  /** All instructions as text, in order. */
  readonly nodes: readonly DockerfileNode[]
}

/** One FROM and what follows it. */
export interface Stage {
  /** From 0, by which `COPY --from=0` finds it. */
  readonly index: number
  /** In lower case. */
  readonly name?: string
  readonly from: FromInstruction
  readonly instructions: readonly StageInstruction[]
}

/** What may stand in a stage. */
export type StageInstruction = Exclude<Instruction, FromInstruction>

/**
 * Understands a whole Dockerfile. Fails with `DOCKERFILE_INVALID` and the like, in BuildKit's words
 * ("dockerfile parse error on line 3: unknown instruction: FRUN (did you mean RUN?)"), with a place.
 */
export function parseDockerfile(source: SourceFile): Dockerfile {
  if (source.text === '') throw wholeFault(source, 'the Dockerfile cannot be empty')
  const { nodes, directives, escape: escapeChar, warnings } = parse(source)
  const globalArgs: ArgInstruction[] = []
  const stages: (Stage & { instructions: StageInstruction[] })[] = []
  for (const node of nodes) {
    const instruction = parseInLine(node)
    const stage = stages.at(-1)
    if (instruction.kind === 'from') stages.push(beginStage(stages.length, instruction))
    else if (stage) stage.instructions.push(instruction)
    else if (instruction.kind === 'arg') globalArgs.push(instruction)
    else
      throw fail('DOCKERFILE_INVALID', 'no build stage in current context', {
        span: node.keyword.span,
        hint: 'Begin with FROM; only ARG may stand before it.',
      })
  }
  if (stages.length === 0) throw wholeFault(source, 'dockerfile contains no stages to build')
  for (const stage of stages) for (const instruction of stage.instructions) checkInStage(instruction)
  return { source, directives, escape: escapeChar, globalArgs, stages, warnings, nodes }
}

/**
 * Understands the text of an ONBUILD trigger, as it stands in the config of a base image.
 * Fails with `DOCKERFILE_INVALID` and the like.
 */
export function parseTrigger(text: string): StageInstruction {
  const { nodes } = parse({ name: 'ONBUILD', text })
  const [node] = nodes
  if (nodes.length !== 1) throw fail('DOCKERFILE_INVALID', 'onbuild trigger should be a single expression')
  const instruction = parseInstruction(node!)
  if (instruction.kind === 'from' || instruction.kind === 'onbuild' || instruction.kind === 'maintainer') {
    const name = instruction.kind.toUpperCase()
    throw fail('DOCKERFILE_INVALID', `${name} isn't allowed as an ONBUILD trigger`, { span: node!.keyword.span })
  }
  checkInStage(instruction)
  return instruction
}

/** The number of the stage of this name, in any case, the later of two winning; else of the stage of this number. */
export function findStage(stages: readonly Stage[], text: string): number | undefined {
  const named = stages.findLastIndex((stage) => stage.name === text.toLowerCase())
  if (named >= 0) return named
  const number = /^\d+$/.test(text) ? Number(text) : -1
  return number >= 0 && number < stages.length ? number : undefined
}

/** A fault of the file as a whole, shown at its beginning. */
function wholeFault(source: SourceFile, message: string): Error {
  const span = { source, line: 1, column: 1, endLine: 1, endColumn: 1 }
  return fail('DOCKERFILE_INVALID', message, { span, hint: 'A Dockerfile begins with FROM.' })
}

function parseInLine(node: DockerfileNode): Instruction {
  try {
    return parseInstruction(node)
  } catch (error) {
    throw located(error, node.span, `dockerfile parse error on line ${node.span.line}: `)
  }
}

function beginStage(index: number, from: FromInstruction): Stage & { instructions: StageInstruction[] } {
  const name = from.alias?.text.toLowerCase()
  return { index, from, instructions: [], ...(name === undefined ? {} : { name }) }
}

/** What BuildKit finds only after all instructions are understood. */
function checkInStage(instruction: StageInstruction): void {
  if (instruction.kind === 'copy') checkCopyFrom(instruction)
}
