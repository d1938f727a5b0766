import { createExclusion } from './files/exclude.ts'
import { type Selected, selectFiles } from './files/select.ts'
import { selectWithParents } from './files/select-parents.ts'
import type { FileSource } from './files/source.ts'
import type { Vertex } from './graph.ts'
import { selectSource } from './mounts/source.ts'
import type { CopyOp } from './ops/copy.ts'
import type { RunOp } from './ops/run.ts'

/** One step's use of a build context. */
export interface ContextUse {
  /** The context's name in the graph. */
  context: string
  /** The entries that the step takes of it. Fails with `COPY_SOURCE_MISSING` where the step would. */
  select(files: FileSource): Selected[]
}

/** Every use that a graph makes of build contexts: by COPY and ADD, and by the mounts of RUN. */
export function contextUses(roots: readonly Vertex[]): ContextUse[] {
  const uses: ContextUse[] = []
  const seen = new Set<string>()
  const pending = [...roots]
  for (let vertex = pending.pop(); vertex; vertex = pending.pop()) {
    if (seen.has(vertex.id)) continue
    seen.add(vertex.id)
    pending.push(...vertex.inputs)
    if (vertex.op.kind === 'copy') uses.push(...usesOfCopy(vertex, vertex.op))
    if (vertex.op.kind === 'run') uses.push(...usesOfRun(vertex, vertex.op))
  }
  return uses
}

function usesOfCopy(vertex: Vertex, op: CopyOp): ContextUse[] {
  const options = { exclusion: createExclusion(op.excludes) }
  const selectPaths = op.parents ? selectWithParents : selectFiles
  return op.sources.flatMap((source) => {
    const context = 'paths' in source ? contextAt(vertex, source.input) : undefined
    if (context === undefined || !('paths' in source)) return []
    return [{ context, select: (files) => source.paths.flatMap((path) => selectPaths(files, path, options)) }]
  })
}

function usesOfRun(vertex: Vertex, { mounts }: RunOp): ContextUse[] {
  return mounts.flatMap((mount) => {
    const input = mount.type === 'bind' || mount.type === 'cache' ? mount.input : null
    const context = input === null ? undefined : contextAt(vertex, input)
    if (context === undefined || !('source' in mount)) return []
    return [{ context, select: (files: FileSource) => selectSource(files, mount.source) }]
  })
}

function contextAt({ inputs }: Vertex, index: number): string | undefined {
  const op = inputs[index]?.op
  return op?.kind === 'context' ? op.name : undefined
}
