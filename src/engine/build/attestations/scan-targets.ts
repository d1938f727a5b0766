import type { StageState } from '../../../build/index.ts'
import { parseGoBool } from '../../../core/index.ts'

/** What an SBOM is made of beside the image. */
export interface ScanTargets {
  /** Stages that the image was made with, the image's own left out. */
  stages: { name: string; state: StageState }[]
  /** The build context. */
  context: boolean
}

/**
 * What the arguments BUILDKIT_SBOM_SCAN_STAGE (true, or names of stages) and BUILDKIT_SBOM_SCAN_CONTEXT ask for, declared
 * in a stage or before the first (BuildKit docs, "SBOM attestations"). Only stages that the image was made with count.
 */
export async function scanTargets(target: StageState): Promise<ScanTargets> {
  const found: ScanTargets = { stages: [], context: false }
  const { context } = target
  for (const index of context.plannedStages().sort((a, b) => a - b)) {
    const stage = context.dockerfile.stages[index]!
    const state = await context.stage(index)
    const name = stage.name ?? String(index)
    const argumentOf = (argument: string): string => state.args.get(argument) ?? context.globalArgs.get(argument) ?? ''
    if (covers(argumentOf('BUILDKIT_SBOM_SCAN_CONTEXT'), name)) found.context = true
    const isTarget = state.vertex.id === target.vertex.id
    if (!isTarget && covers(argumentOf('BUILDKIT_SBOM_SCAN_STAGE'), name)) found.stages.push({ name, state })
  }
  return found
}

function covers(value: string, stage: string): boolean {
  const truth = parseGoBool(value)
  if (truth !== undefined) return truth
  return value.split(',').some((name) => name.trim() !== '' && name.trim().toLowerCase() === stage)
}
