import { type ExposeInstruction, parsePorts } from '../../dockerfile/index.ts'
import { addHistory, at, type ConfigState, expandWords } from './stage-state.ts'

/** EXPOSE: notes ports, publishes nothing. */
export function planExpose(stage: ConfigState, instruction: ExposeInstruction): void {
  const ports = instruction.ports.flatMap((token) =>
    expandWords(stage, token).words.flatMap((word) => at(token.span, () => parsePorts(word))),
  )
  const exposed = Object.fromEntries(ports.map((port) => [port, {}]))
  stage.config.ExposedPorts = { ...stage.config.ExposedPorts, ...exposed }
  addHistory(stage, `EXPOSE [${ports.join(' ')}]`)
}
