import {
  BuildSession,
  createRunners,
  createSolver,
  planBuild,
  type Solver,
  type StageState,
} from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { type ParseWarning, parseDockerfile } from '../../dockerfile/index.ts'
import type { LayerRecord, Store, StoredImage } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { loadDefinition } from './definition.ts'
import { exportTask } from './export.ts'
import { epochOf, planOptions } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { secretNameWarnings } from './secret-names.ts'
import { checkSyntax } from './syntax.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const { source, contexts } = await loadDefinition({ store, lease }, request, job)
  checkSyntax(source, request.buildArgs)
  const dockerfile = parseDockerfile(source)
  for (const { message, span } of dockerfile.warnings) {
    job.progress({ type: 'warning', code: 'PARSE', message, ...(span ? { span } : {}) })
  }
  const image = imageResolver(store, lease, job)
  const stage = await planBuild(dockerfile, planOptions(request), {
    image,
    named: contexts.resolver(image, job),
    planned: (planned) => {
      for (const warning of secretNameWarnings(planned)) job.progress(warning)
    },
  })
  const runners = createRunners(session, contexts)
  const solver = createSolver(runners, store, { now: Date.now, lease }, job)
  const layers = await solveAll(solver, stage)
  contexts.save()
  const built = await exportTask(store, { stage, solver, layers, names, lease, epoch: epochOf(request) }, job)
  return report(built, stage, solver, names, dockerfile.warnings)
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
  warnings: readonly ParseWarning[],
): BuildReport {
  const made = stage.steps.flatMap((step) => step.vertex ?? [])
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const { id, descriptor } = image
  return { id, digest: descriptor.digest, names, steps: made.length, cachedSteps: cached.length, warnings }
}
