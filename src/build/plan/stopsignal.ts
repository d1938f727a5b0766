import { fail } from '../../core/index.ts'
import type { StopsignalInstruction } from '../../dockerfile/index.ts'
import { parseSignal } from '../../host/index.ts'
import { addHistory, type ConfigState, expandToken } from './stage-state.ts'

/** STOPSIGNAL: by name or number, kept as written. */
export function planStopsignal(stage: ConfigState, instruction: StopsignalInstruction): void {
  const signal = expandToken(stage, instruction.signal)
  if (parseSignal(signal) === undefined) {
    throw fail('DOCKERFILE_INVALID', `invalid signal: ${signal}`, { span: instruction.signal.span })
  }
  stage.config.StopSignal = signal
  addHistory(stage, `STOPSIGNAL ${signal}`)
}
