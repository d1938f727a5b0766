import type { UserInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState, expandToken } from './stage-state.ts'

/** USER: who later RUN steps and the container are. It does not change whose files COPY makes. */
export function planUser(stage: ConfigState, instruction: UserInstruction): void {
  const user = expandToken(stage, instruction.user)
  stage.config.User = user
  addHistory(stage, `USER ${user}`)
}
