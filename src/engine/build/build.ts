import {
  BuildSession,
  createRunners,
  createSolver,
  FileDigests,
  FolderSource,
  type Solver,
  type StageState,
} from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { parseDockerfile } from '../../dockerfile/index.ts'
import type { LintWarning } from '../../lint/index.ts'
import type { LayerRecord, Store, StoredImage } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { exportTask } from './export.ts'
import { linterOf, planLinted, tellWarnings } from './lint.ts'
import { loadDefinition } from './load-definition.ts'
import { epochOf, planOptions } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const definition = await loadDefinition(request, job)
  const { context, task } = definition
  const dockerfile = parseDockerfile(definition.source)
  const ignore = await definition.ignore()
  const options = planOptions(request)
  const linter = linterOf(dockerfile, options)
  const image = imageResolver(store, lease, job)
  const stage = await planLinted(dockerfile, linter, { options, image, ignore }).finally(() =>
    tellWarnings(linter.warnings(), task, job),
  )
  const digests = new FileDigests(store.memos, context)
  const where = ignore ? `in the build context (see ${ignore.name})` : 'in the build context'
  const files = new FolderSource(context, { digests, where, ...(ignore ? { filter: ignore.filter } : {}) })
  const runners = createRunners(session, new Map([['context', files]]))
  const solver = createSolver(runners, store, { now: Date.now, lease }, job)
  const layers = await solveAll(solver, stage)
  digests.save()
  const made = await exportTask(store, { stage, solver, layers, names, lease, epoch: epochOf(request) }, job)
  return report(made, stage, solver, names, linter.warnings())
}

async function solveAll(solver: Solver, stage: StageState): Promise<LayerRecord[]> {
  try {
    const value = await solver.solve(stage.vertex)
    await solver.settle()
    return value.kind === 'layers' ? Promise.all(value.layers.map((layer) => layer.committed)) : []
  } catch (error) {
    await solver.settle().catch(() => {}) // what still runs must end before its folders go
    throw error
  }
}

function report(
  image: StoredImage,
  stage: StageState,
  solver: Solver,
  names: string[],
  warnings: readonly LintWarning[],
): BuildReport {
  const made = stage.steps.flatMap((step) => step.vertex ?? [])
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const { id, descriptor } = image
  return { id, digest: descriptor.digest, names, steps: made.length, cachedSteps: cached.length, warnings }
}
