import { fail } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'
import { findBuild, listBuilds } from './builds.ts'
import type { BuildStep, PastBuild } from './record.ts'

/** A step of a build of the past. */
export interface FoundStep {
  build: PastBuild
  step: BuildStep
}

const FORM = /^step:(?:([0-9a-z]+|\^\d{1,6})\/)?(\d{1,9}|last)$/

/** Whether a name means a step: `step:3`, `step:last`, `step:BUILD/3`, `step:BUILD/last`. */
export function isStepRef(name: string): boolean {
  return name.startsWith('step:')
}

/**
 * The step that a name means; of the latest build when it names none. `last` is the step that failed, else the last one
 * that made a file system. Fails with `BUILD_NOT_FOUND`, `BUILD_AMBIGUOUS` and `STEP_UNKNOWN`.
 */
export function findStep(store: Store, name: string): FoundStep {
  const match = FORM.exec(name)
  if (!match) {
    throw fail('STEP_UNKNOWN', `${name.slice(0, 100)} is not the name of a step`, {
      hint: 'it is step:NUMBER or step:last of the latest build, or step:BUILD/NUMBER; "slipway builds inspect" has the numbers',
    })
  }
  const [, id, which] = match
  const build = id === undefined ? latest(store) : findBuild(store, id)
  const { steps } = build
  const step = which === 'last' ? lastOf(steps) : steps.find(({ n }) => n === Number(which))
  if (step) return { build, step }
  throw fail('STEP_UNKNOWN', `build ${build.id} has no step ${which}`, {
    hint: `"slipway builds inspect ${build.id}" shows its steps`,
  })
}

function latest(store: Store): PastBuild {
  const [build] = listBuilds(store)
  if (build) return build
  throw fail('BUILD_NOT_FOUND', 'nothing was built in this store yet')
}

function lastOf(steps: readonly BuildStep[]): BuildStep | undefined {
  return steps.findLast(({ result }) => result === 'failed') ?? steps.findLast(({ diffIds }) => diffIds !== undefined)
}
