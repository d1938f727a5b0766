import { type ExposeInstruction, parsePorts } from '../../dockerfile/index.ts'
import { addHistory, at, expandWords, type StageState } from './stage-state.ts'

/** EXPOSE: notes ports, publishes nothing. */
export function planExpose(stage: StageState, instruction: ExposeInstruction): void {
  const ports = instruction.ports.flatMap((token) =>
    expandWords(stage, token).words.flatMap((word) => at(token.span, () => parsePorts(word))),
  )
  const exposed = Object.fromEntries(ports.map((port) => [port, {}]))
  stage.config.ExposedPorts = { ...stage.config.ExposedPorts, ...exposed }
  addHistory(stage, `EXPOSE [${ports.join(' ')}]`)
}
