export { download } from './download.ts'
export { assembleImage, type BuildResult, type Packing, PLAIN_PACKING, type ResultStep } from './export/image.ts'
export { restampLayer } from './export/restamp.ts'
export { bodyBytes } from './files/archive.ts'
export { FileDigests } from './files/file-digests.ts'
export { FolderSource, type PathFilter } from './files/folder-source.ts'
export { SingleFileSource } from './files/single-file-source.ts'
export type { FileBody, FileSource } from './files/source.ts'
export { TreeSource } from './files/tree-source.ts'
export * from './git/index.ts'
export type { Op, Vertex } from './graph.ts'
export { findHostCa } from './host-ca.ts'
export type { ContextFiles } from './ops/context.ts'
export { createRunners } from './ops/index.ts'
export { applyChanges } from './plan/changes.ts'
export type { NamedContext, PlanOptions, PlanSources, ResolvedImage } from './plan/context.ts'
export { planBuild } from './plan/plan.ts'
export type { StageState } from './plan/stage-state.ts'
export { BuildSession, type SessionOptions } from './session.ts'
export { imagePackageUrl } from './provenance/materials.ts'
export {
  PROVENANCE_TYPES,
  type ProvenanceFacts,
  type ProvenanceOptions,
  provenancePredicate,
} from './provenance/provenance.ts'
export { createSolver, type Outcome, type Solver } from './solver.ts'
export { redactUrl } from './url.ts'
