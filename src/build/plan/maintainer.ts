import type { MaintainerInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState } from './stage-state.ts'

/** MAINTAINER: the author in the image config. */
export function planMaintainer(stage: ConfigState, { author }: MaintainerInstruction): void {
  stage.author = author.text
  addHistory(stage, `MAINTAINER ${author.text}`)
}
