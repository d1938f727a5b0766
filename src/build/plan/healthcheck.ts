import { formatDuration, type HealthcheckInstruction, quoteGoList } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState } from './stage-state.ts'

/** HEALTHCHECK. */
export function planHealthcheck(stage: ConfigState, { check }: HealthcheckInstruction): void {
  stage.config.Healthcheck = check
  const times = [check.Interval, check.Timeout, check.StartPeriod, check.StartInterval]
  const shown = times.map((time) => `"${formatDuration(time ?? 0)}"`).join(' ')
  // BuildKit prints its Go struct with %q, so the number of retries comes out as a character
  addHistory(stage, `HEALTHCHECK &{${quoteGoList(check.Test ?? [])} ${shown} ${quotedRune(check.Retries ?? 0)}}`)
}

function quotedRune(code: number): string {
  const character = String.fromCodePoint(Math.min(code, 0x10ffff))
  const named: Record<string, string> = {
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
    "'": "\\'",
    '\\': '\\\\',
  }
  if (named[character]) return `'${named[character]}'`
  return code < 0x20 || code === 0x7f ? `'\\x${code.toString(16).padStart(2, '0')}'` : `'${character}'`
}
