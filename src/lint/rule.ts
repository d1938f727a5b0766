import type { SourceSpan } from '../core/index.ts'
import type { Dockerfile, DockerfileNode, Stage, StageInstruction, SyntaxTree } from '../dockerfile/index.ts'
import type { Platform } from '../oci/index.ts'

/** Variables by name. */
export type Variables = ReadonlyMap<string, string>

/** One thing that a rule objects to. */
export interface Finding {
  /** In BuildKit's words. */
  readonly message: string
  /** The lines to show. */
  readonly span: SourceSpan
  /** Which word of the instruction it is about, to put findings of several rules in the order of reading. */
  readonly word?: number
}

/** What a rule says of itself. */
export interface RuleHead {
  /** By which it is skipped and looked up. */
  readonly name: string
  /** What is asked for, as a sentence without a period. */
  readonly description: string
  /** Docker's page about it. */
  readonly url?: string
  /** Whether it only runs when the user asks for it. */
  readonly experimental?: true
}

/** A rule about the file as text: also of one that turns out to be no Dockerfile. */
export interface TextRule extends RuleHead {
  readonly about: 'text'
  check(tree: SyntaxTree): Finding[]
}

/** A rule about single instructions as text: also of a file whose later instructions make no sense. */
export interface NodeRule extends RuleHead {
  readonly about: 'node'
  check(node: DockerfileNode): Finding[]
}

/** A rule about the names of stages. */
export interface StageRule extends RuleHead {
  readonly about: 'stage'
  /** `names` are those of the stages before it. */
  check(stage: Stage, names: ReadonlySet<string>): Finding[]
}

/** A rule about the file as a whole. */
export interface FileRule extends RuleHead {
  readonly about: 'file'
  check(file: WholeFile): Finding[]
}

/** A Dockerfile that was understood. */
export interface WholeFile {
  readonly dockerfile: Dockerfile
  /** The arguments before the first FROM as they are when the user gives none; missing when they make no sense. */
  readonly defaults?: Variables
}

/** A rule about FROM. */
export interface FromRule extends RuleHead {
  readonly about: 'from'
  check(from: FromFacts): Finding[]
}

/** A FROM, and what it can use. */
export interface FromFacts {
  readonly stage: Stage
  readonly escape: string
  /** The arguments before the first FROM, and those of the platforms. */
  readonly globals: Variables
  /** Names that ARG declares before the first FROM, with a value or without. */
  readonly declared: ReadonlySet<string>
}

/** A rule about a base image that was found. */
export interface BaseRule extends RuleHead {
  readonly about: 'base'
  check(base: BaseFacts): Finding[]
}

/** A base image, and what for it was taken. */
export interface BaseFacts {
  /** As it stands in the Dockerfile, with its variables replaced. */
  readonly name: string
  readonly wanted: Platform
  readonly found: Platform
  readonly span: SourceSpan
}

/** A rule about an instruction that the build comes to, with what is known there. */
export interface StepRule extends RuleHead {
  readonly about: 'step'
  check(step: StepFacts): Finding[]
}

/** An instruction in its stage, and where to point: a trigger of the base image stands in no file, but its FROM does. */
export interface PlacedInstruction {
  readonly instruction: StageInstruction
  readonly span: SourceSpan
}

/** What is known where the build comes to an instruction. Maps hold their values of that moment only. */
export interface Surroundings {
  readonly escape: string
  /** ENV and ARG so far, and those of the base image. */
  readonly variables: Variables
  /** Names that ARG declared so far, with a value or without. */
  readonly declared: { has(name: string): boolean }
  /** Build arguments that the user gave. */
  readonly buildArgs: Readonly<Record<string, string>>
  /** What SHELL set, here or in the base image. */
  readonly shell: readonly string[]
  /** Whether `.dockerignore` keeps a path out of the build context; missing when nothing is kept out. */
  readonly ignores?: (path: string) => boolean
}

/** An instruction that the build comes to. */
export interface StepFacts extends PlacedInstruction, Surroundings {
  /** The last one of each kind before it in its stage. */
  readonly before: ReadonlyMap<StageInstruction['kind'], PlacedInstruction>
  /** The kinds of those in the stages that its own begins from. */
  readonly inherited: ReadonlySet<StageInstruction['kind']>
}

/** A rule, told apart by what it is about. A record; `rules.ts` lists them. */
export type Rule = TextRule | NodeRule | StageRule | FileRule | FromRule | BaseRule | StepRule

/** Docker's page about a rule. */
export function dockerPage(slug: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${slug}/`
}
