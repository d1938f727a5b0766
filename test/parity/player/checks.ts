import { type Step, Unplayable, type Value } from './document.ts'
import type { Scene } from './scene.ts'
import { evaluate, isEqual } from './values.ts'

type Check = (first: Value, second: Value) => boolean

const CHECKS: Readonly<Record<string, Check>> = {
  Equal: isEqual,
  Equalf: isEqual,
  NotEqual: (first, second) => !isEqual(first, second),
  exists: (first) => first !== null,
  NotNil: (first) => first !== null,
  absent: (first) => first === null,
  Nil: (first) => first === null,
  True: (first) => Boolean(first),
  False: (first) => !first,
  Empty: (first) => !first || (first as { length?: number }).length === 0,
  NotEmpty: (first) => Boolean(first) && (first as { length?: number }).length !== 0,
  Contains: (first, second) => String(first).includes(String(second)),
  NotContains: (first, second) => !String(first).includes(String(second)),
  ErrorContains: (first, second) => String(first).includes(String(second)),
  Greater: (first, second) => Number(first) > Number(second),
  Less: (first, second) => Number(first) < Number(second),
  Len: (first, second) => (first as { length?: number } | null)?.length === second,
  Regexp: (first, second) => new RegExp(String(first)).test(String(second)),
}

/** Plays a `check`; what is wrong, if anything. */
export async function playCheck(step: Step, scene: Scene): Promise<string | undefined> {
  const check = CHECKS[String(step['that'])]
  if (!check) throw new Unplayable(`check ${String(step['that'])}`)
  const args = (step['args'] ?? []) as readonly Value[]
  const values = await Promise.all(args.map((each) => evaluate(each, scene)))
  if (check(values[0] ?? null, values[1] ?? null)) return undefined
  const shown = values.map((value) => JSON.stringify(value)?.slice(0, 300))
  return `${String(step['that'])}: ${shown.join(' and ')} of ${JSON.stringify(args).slice(0, 300)}`
}

/** Plays an `expect`: how a build or a command must have ended, and what it must have said. */
export function playExpect(step: Step, scene: Scene): string | undefined {
  const outcome = scene.outcomes.get(String(step['of']))
  if (!outcome) throw new Unplayable(`expects something of ${String(step['of'])}, which was not run`)
  const { exitCode, stdout, stderr } = outcome
  const said = stdout + stderr
  const end = said.trim().slice(-700)
  if (step['result'] === 'ok' && exitCode !== 0) return `failed with ${exitCode}: ${end}`
  if (step['result'] === 'error' && exitCode === 0) return 'it must fail, and did not'
  const { exit, contains, stderrContains, stdoutContains } = step
  if (typeof exit === 'number' && exitCode !== exit) return `exit code ${exitCode}, not ${exit}`
  for (const words of [contains, stdoutContains, stderrContains]) {
    if (typeof words === 'string' && !said.includes(scene.fill(words)))
      return `${JSON.stringify(words)} is not in: ${end}`
  }
  return undefined
}
