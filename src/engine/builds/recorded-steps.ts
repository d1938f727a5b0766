import { type OpKeys, type RunOp, type Solver, type Vertex, verticesInOrder } from '../../build/index.ts'
import type { Digest, TaskResult } from '../../core/index.ts'
import type { BuildStep } from './record.ts'

/** What a build does, and who does it. */
export interface RecordedPlan {
  results: readonly Vertex[]
  solver: Solver
  opKey: OpKeys
}

/** When a step was done, as progress told it, in Unix milliseconds. */
export interface Timing {
  startedAt: number
  finishedAt?: number
  result?: TaskResult
}

/** What a step that failed left. */
export interface FailedStep {
  vertex?: Digest
  diffIds?: Digest[]
}

/** All steps of a build that has ended, in an order in which each comes after its inputs. */
export async function recordSteps(
  plan: RecordedPlan,
  timings: ReadonlyMap<string, Timing>,
  failed: FailedStep | undefined,
): Promise<BuildStep[]> {
  const vertices = verticesInOrder(plan.results)
  const numbers = new Map(vertices.map(({ id }, at) => [id, at + 1]))
  const steps: BuildStep[] = []
  for (const vertex of vertices) {
    const inputs = vertex.inputs.map(({ id }) => numbers.get(id)!)
    const key = plan.opKey(vertex.op)
    steps.push({
      n: steps.length + 1,
      label: vertex.label,
      kind: vertex.op.kind,
      inputs,
      ...timePart(timings.get(vertex.id)),
      ...(key === undefined ? {} : { opKey: key }),
      ...(await resultPart(vertex, plan.solver, steps[(inputs[0] ?? 0) - 1])),
      ...(vertex.span ? { line: vertex.span.line } : {}),
      ...(vertex.config ? { config: vertex.config } : {}),
      ...(vertex.op.kind === 'run' ? runPart(vertex.op) : {}),
      ...(vertex.id === failed?.vertex ? { diffIds: failed.diffIds } : {}),
    })
  }
  return steps
}

function timePart(timing: Timing | undefined): Pick<BuildStep, 'result' | 'startedAt' | 'finishedAt'> {
  if (!timing) return { result: 'pending' }
  const { startedAt, finishedAt, result = 'canceled' } = timing
  return { result, startedAt, ...(finishedAt === undefined ? {} : { finishedAt }) }
}

/** The file system after a step that ended; what failed on its way to the disk has none. */
async function resultPart(vertex: Vertex, solver: Solver, below: BuildStep | undefined): Promise<Partial<BuildStep>> {
  const { op } = vertex
  if (op.kind === 'image') return { diffIds: [...op.diffIds], ...(vertex.label === '' ? { result: 'done' } : {}) }
  if (!solver.outcome(vertex)) return {}
  try {
    const value = await solver.solve(vertex)
    if (value.kind !== 'layers') return {}
    const layers = await Promise.all(value.layers.map((layer) => layer.committed))
    const added = layers.slice(below?.diffIds?.length ?? 0)
    const bytes = added.reduce((sum, layer) => sum + layer.contentBytes, 0)
    return { diffIds: layers.map((layer) => layer.diffId), bytes }
  } catch {
    return {}
  }
}

function runPart({ args, mounts }: RunOp): Pick<BuildStep, 'args' | 'mounts'> {
  return { args, ...(mounts.length === 0 ? {} : { mounts }) }
}
