export type {
  AgentSource,
  Agents,
  Difference,
  ExplainedStep,
  FileFacts,
  SecretSource,
  Secrets,
} from '../build/index.ts'
export type { Attachment, LogEntry, Resources, Ulimit } from '../container/index.ts'
export type { Bytes, Digest, ErrorCode, Fault, Job, ProgressEvent, SourceFile, TaskResult } from '../core/index.ts'
export { bytesOf, SlipwayError } from '../core/index.ts'
export type { Change } from '../layer/index.ts'
export type { LintWarning } from '../lint/index.ts'
export type { CacheMountRecord } from '../store/index.ts'
export type { ImportRequest, LoadedImage } from './archives.ts'
export type { BootstrapRequest } from './bootstrap.ts'
export type { AttestationRequest } from './build/attestations/options.ts'
export type { CacheEntry } from './build/cache-entry.ts'
export type { CheckError, CheckReport } from './build/check.ts'
export type { LockReport, LockRequest } from './build/lock/lock.ts'
export type { LockChange, LockedDownload, LockFile } from './build/lock/lock-file.ts'
export type { Outline, OutlineArg, OutlineNeed } from './build/outline.ts'
export type { Annotation, Output } from './build/outputs/output.ts'
export type { BuildReport, BuildRequest } from './build/request.ts'
export type { Target, Targets } from './build/targets.ts'
export type { LayerDifference, Verification } from './build/verify.ts'
export type { WatchListener, WatchRound } from './build/watch/watch.ts'
export type { FileChange } from './build/watch/watch-set.ts'
export type { CachePruneRequest, CacheUsage } from './build-cache.ts'
export type { CacheRecord } from './build-cache-record.ts'
export type { LoggedEvent } from './builds/log.ts'
export type { BuildStatus, BuildStep, PastBuild } from './builds/record.ts'
export type { StepImage } from './builds/step-image.ts'
export { type FoundStep, isStepRef } from './builds/step-ref.ts'
export type { CacheMountCopy } from './cache-mount-files.ts'
export type { CacheMountSummary, CacheMountsRemoved } from './cache-mounts.ts'
export type { Container, ContainerState } from './container-record.ts'
export type { StartOptions } from './containers.ts'
export type { CopyOutRequest } from './copy-out.ts'
export type { CreatedContainer, CreateRequest } from './create.ts'
export type { DiffRequest } from './diff.ts'
export { type ContainerSummary, type Engine, type EngineOptions, openEngine } from './engine.ts'
export { type Filters, parseMoment } from './image-filters.ts'
export { type HistoryRow, type ImageSummary, nameForMessage } from './images.ts'
export type { Info } from './info.ts'
export type { Inspection } from './inspect.ts'
export {
  type CredentialsOptions,
  type KnownLogin,
  knownLogin,
  type LoginReport,
  type LoginRequest,
  type LogoutReport,
  login,
  logout,
} from './login.ts'
export type { CopyReport, CopyRequest } from './places/copy.ts'
export type { IndexReport, IndexRequest } from './places/indexes.ts'
export type { ImageManifests, InspectIndexRequest, PlatformManifests } from './places/inspect-index.ts'

export { type InspectedManifest, type ListedManifest, listDocument, manifestJson } from './places/manifest-json.ts'
export type { AnnotateRequest, ManifestListRequest, PushedList } from './places/manifest-lists.ts'
export type { SearchRequest } from './places/search.ts'
export type { RemovedTag, RemoveTagRequest, TagsRequest } from './places/tags.ts'
export type { Pruned, PruneRequest } from './prune.ts'
export type { PulledImage, PullRequest } from './registry/pull.ts'
export type { PushedImage, PushRequest } from './registry/push.ts'
export type { Transfer } from './registry/transfers.ts'
export type { Removal, RemoveOptions } from './remove.ts'
