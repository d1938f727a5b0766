import { formatDuration, quoteGo, quoteGoList } from '../../core/index.ts'
import type { HealthcheckInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState } from './stage-state.ts'

/** HEALTHCHECK. */
export function planHealthcheck(stage: ConfigState, { check }: HealthcheckInstruction): void {
  stage.config.Healthcheck = check
  const times = [check.Interval, check.Timeout, check.StartPeriod, check.StartInterval]
  const shown = times.map((time) => `"${formatDuration(time ?? 0)}"`).join(' ')
  const retries = quoteGo(String.fromCodePoint(Math.min(check.Retries ?? 0, 0x10ffff)), { mark: "'" })
  // BuildKit prints its Go struct with %q, so the number of retries comes out as a character
  addHistory(stage, `HEALTHCHECK &{${quoteGoList(check.Test ?? [])} ${shown} ${retries}}`)
}
