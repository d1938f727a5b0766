import type { LabelInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState, expandToken } from './stage-state.ts'

/** LABEL. */
export function planLabel(stage: ConfigState, instruction: LabelInstruction): void {
  const pairs = instruction.pairs.map(({ key, value }) => [expandToken(stage, key), expandToken(stage, value)] as const)
  stage.config.Labels = { ...stage.config.Labels, ...Object.fromEntries(pairs) }
  addHistory(stage, `LABEL ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`)
}
