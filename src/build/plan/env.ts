import type { EnvInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState, expandToken } from './stage-state.ts'

/** ENV: all its values see the environment as it was before the instruction. */
export function planEnv(stage: ConfigState, instruction: EnvInstruction): void {
  const pairs = instruction.pairs.map(({ key, value }) => [expandToken(stage, key), expandToken(stage, value)] as const)
  for (const [name, value] of pairs) setEnvironment(stage, name, value)
  addHistory(stage, `ENV ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`)
}

/** Sets a variable of the image; one that is there already keeps its place in the list. */
export function setEnvironment(stage: ConfigState, name: string, value: string): void {
  stage.env.set(name, value)
  const list = [...(stage.config.Env ?? [])]
  const place = list.findIndex((pair) => pair.startsWith(`${name}=`))
  if (place < 0) list.push(`${name}=${value}`)
  else list[place] = `${name}=${value}`
  stage.config.Env = list
}
