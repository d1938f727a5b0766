export { download } from './download.ts'
export { type BuildResult, exportImage, type ResultStep } from './export/image.ts'
export { restampLayer } from './export/restamp.ts'
export { FileDigests } from './files/file-digests.ts'
export { FolderSource, type PathFilter } from './files/folder-source.ts'
export type { FileBody, FileSource } from './files/source.ts'
export type { Op, StepConfig, Vertex } from './graph.ts'
export { findHostCa } from './host-ca.ts'
export { type OpKeys, operationKeys } from './operation-keys.ts'
export { createRunners } from './ops/index.ts'
export { applyChanges } from './plan/changes.ts'
export type { PlanOptions, PlanSources, ResolvedImage } from './plan/context.ts'
export { planBuild } from './plan/plan.ts'
export type { StageState } from './plan/stage-state.ts'
export { imagePackageUrl } from './provenance/materials.ts'
export {
  PROVENANCE_TYPES,
  type ProvenanceFacts,
  type ProvenanceOptions,
  provenancePredicate,
} from './provenance/provenance.ts'
export { BuildSession } from './session.ts'
export { createSolver, type Outcome, type Solver } from './solver.ts'
export { redactUrl } from './url.ts'
