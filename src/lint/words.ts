import {
  type Environment,
  expand,
  expandRaw,
  type PortSpec,
  parseMount,
  splitPort,
  type Token,
} from '../dockerfile/index.ts'
import type { StepFacts, Surroundings } from './rule.ts'

/** How words are written: facts of every kind know it. */
type Syntax = Pick<Surroundings, 'escape'>

/** Variables of a word that are not set, in the order of their use. A word that cannot be read has none. */
export function unsetIn(text: string, variables: Environment, syntax: Syntax): string[] {
  try {
    return [...expand(text, variables, syntax).unset]
  } catch {
    return []
  }
}

/** The text of a token with its variables replaced; as written when that cannot be done. */
export function expandedText({ text }: Token, step: StepFacts): string {
  try {
    return expand(text, step.variables, step).text
  } catch {
    return text
  }
}

/** For each word of an instruction in which variables are replaced, those that are not set. ARG is not asked. */
export function unsetByWord(step: StepFacts): string[][] {
  const { instruction } = step
  const of = (token: Token | undefined): string[] => (token ? unsetIn(token.text, step.variables, step) : [])
  switch (instruction.kind) {
    case 'env':
    case 'label':
      return instruction.pairs.flatMap(({ key, value }) => [of(key), of(value)])
    case 'add':
    case 'copy': {
      const checksum = instruction.kind === 'add' ? instruction.checksum : undefined
      const bodies = instruction.files.filter(({ expand }) => expand).map(({ content }) => unsetInBody(content, step))
      const paths = [...instruction.sources, instruction.destination]
      return [of(instruction.chown), of(instruction.chmod), of(checksum), ...paths.map(of), ...bodies]
    }
    case 'run':
      return instruction.mounts.flatMap((mount) => unsetInMount(mount, step))
    case 'workdir':
      return [of(instruction.path)]
    case 'user':
      return [of(instruction.user)]
    case 'volume':
      return instruction.paths.map(of)
    case 'stopsignal':
      return [of(instruction.signal)]
    default:
      return []
  }
}

function unsetInBody(body: string, { variables }: StepFacts): string[] {
  try {
    return [...expandRaw(body, variables).unset]
  } catch {
    return []
  }
}

function unsetInMount(mount: Token, step: StepFacts): string[][] {
  const found: string[][] = []
  try {
    parseMount(mount, (value) => {
      const { text, unset } = expand(value, step.variables, step)
      found.push([...unset])
      return text
    })
  } catch {
    // the build says what is wrong with it
  }
  return found
}

/** A port of EXPOSE as it stands there, with its variables replaced. */
export interface ExposedPort extends PortSpec {
  readonly text: string
}

/** The ports of EXPOSE, in BuildKit's order, up to the first one that is none. */
export function exposedPorts(step: StepFacts): ExposedPort[] {
  const { instruction } = step
  if (instruction.kind !== 'expose') return []
  const ports: ExposedPort[] = []
  try {
    const words = instruction.ports.flatMap(({ text }) => expand(text, step.variables, step).words)
    for (const text of words) ports.push({ text, ...splitPort(text) })
  } catch {
    // the build says what is wrong with it
  }
  return ports
}
