import type { LintWarning } from '../../lint/index.ts'
import { isIndexType } from '../../oci/index.ts'
import type { FinishedBuild } from './finished.ts'
import type { ExportResult } from './outputs/index.ts'
import type { BuildReport } from './request.ts'

/** What is told of a build that has come to its end. */
export function reportOf(
  { id, root, names, written, images }: ExportResult,
  { built, solver }: FinishedBuild,
  warnings: readonly LintWarning[],
): Omit<BuildReport, 'explanation' | 'record'> {
  const vertices = built.flatMap(({ stage }) => stage.steps.flatMap((step) => step.vertex ?? []))
  const made = [...new Map(vertices.map((vertex) => [vertex.id, vertex])).values()]
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const configDigest = isIndexType(root.mediaType) ? {} : { configDigest: images[0]!.id }
  const image = written ? { image: { ...root, ...configDigest } } : {}
  const counts = { steps: made.length, cachedSteps: cached.length }
  return { id, digest: root.digest, names: [...names], ...image, ...counts, warnings }
}
