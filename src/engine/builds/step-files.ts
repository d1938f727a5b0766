import { type Digest, fail, type Job } from '../../core/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import type { NamedFiles } from '../filesystem.ts'
import { type FoundStep, findStep } from './step-ref.ts'

/** The layers of a file system that a step left, held by the lease. Fails with `STEP_GONE` when they are not there any more. */
export function layersOfStep(store: Store, lease: Lease, { build, step }: FoundStep): readonly Digest[] {
  const { diffIds } = step
  if (!diffIds) {
    throw fail('STEP_GONE', `step ${step.n} of build ${build.id} left no file system`, {
      hint: step.result === 'pending' ? 'it was not reached' : `it is "${step.label || step.kind}"`,
    })
  }
  lease.hold(diffIds)
  if (diffIds.every((diffId) => store.layers.get(diffId))) return diffIds
  throw fail('STEP_GONE', `the layers of step ${step.n} of build ${build.id} were removed`, {
    hint: 'images and the build cache keep them; build again to have them again',
  })
}

/** The file system after a step, and that before it. Fails as `findStep` and `layersOfStep` do. */
export async function openStepFiles(store: Store, lease: Lease, name: string, job: Job): Promise<NamedFiles> {
  const found = findStep(store, name)
  const tree = await store.layers.tree(layersOfStep(store, lease, found), job)
  const { build, step } = found
  const below = build.steps.find(({ n }) => n === step.inputs[0])
  if (step.kind === 'image' || !below?.diffIds) return { tree }
  return { tree, below: await store.layers.tree(layersOfStep(store, lease, { build, step: below }), job) }
}
