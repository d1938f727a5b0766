import { fail } from '../../core/index.ts'
import type { ExplainedStep } from '../../engine/index.ts'

/**
 * The steps that a user means: by number (`3`), by what progress shows (`[builder 2/4]`, with or without brackets, or
 * more of the line), by the name of a stage, or by a piece of the instruction. Fails with `STEP_UNKNOWN`.
 */
export function findSteps(steps: readonly ExplainedStep[], wanted: string): ExplainedStep[] {
  const text = plain(wanted)
  const tests: ((step: ExplainedStep) => boolean)[] = [
    (step) => String(step.number) === text,
    (step) => prefixOf(step) === text || plain(step.label) === text,
    (step) => stageOf(step) === text,
    (step) => plain(step.label).includes(text),
  ]
  for (const test of text === '' ? [] : tests) {
    const found = steps.filter(test)
    if (found.length > 0) return found
  }
  const hint = steps.length === 0 ? 'no step was begun' : `the steps are numbered from 1 to ${steps.length}`
  throw fail('STEP_UNKNOWN', `no step of the build is called "${wanted}"`, { hint })
}

/** Upper and lower case, brackets and runs of blanks make no difference. */
const plain = (text: string): string => text.replace(/[[\]]/g, '').replace(/\s+/g, ' ').trim().toLowerCase()

const prefixOf = ({ label }: ExplainedStep): string => plain(/^\[[^\]]*\]/.exec(label)?.[0] ?? '')
const stageOf = (step: ExplainedStep): string => prefixOf(step).replace(/ ?\d+\/\d+$/, '')
