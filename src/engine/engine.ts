import type { LogEntry } from '../container/index.ts'
import { type Bytes, type Job, silentJob } from '../core/index.ts'
import type { Change } from '../layer/index.ts'
import type { Platform } from '../oci/index.ts'
import type { FoundRepository, SettingsOptions } from '../registry/index.ts'
import { type CacheMountRecord, defaultRoot, openStore, type Store, type StoredImage } from '../store/index.ts'
import type { ImportRequest, LoadedImage } from './archives.ts'
import type { BootstrapRequest } from './bootstrap.ts'
import type { CheckReport } from './build/check.ts'
import type { LockReport, LockRequest } from './build/lock/lock.ts'
import type { Outline } from './build/outline.ts'
import type { BuildReport, BuildRequest } from './build/request.ts'
import type { Targets } from './build/targets.ts'
import type { WatchListener } from './build/watch/watch.ts'
import type { CachePruneRequest, CacheUsage } from './build-cache.ts'
import type { CacheRecord } from './build-cache-record.ts'
import { findBuild, latestExplained, listBuilds, removeBuild } from './builds/builds.ts'
import type { LoggedEvent } from './builds/log.ts'
import type { PastBuild } from './builds/record.ts'
import type { StepImage } from './builds/step-image.ts'
import { type FoundStep, findStep } from './builds/step-ref.ts'
import type { CacheMountCopy } from './cache-mount-files.ts'
import {
  type CacheMountSummary,
  type CacheMountsRemoved,
  inspectCacheMounts,
  listCacheMounts,
  pruneCacheMounts,
  removeCacheMounts,
} from './cache-mounts.ts'
import { type Container, type ContainerState, containerState, findContainer } from './container-record.ts'
import type { StartOptions } from './containers.ts'
import type { CopyOutRequest } from './copy-out.ts'
import { type CreatedContainer, type CreateRequest, createContainer } from './create.ts'
import type { DiffRequest } from './diff.ts'
import { guarded, guardedStream, guardedSync } from './guarded.ts'
import { type Filters, imageFilter, onlyNamesAskedFor } from './image-filters.ts'
import { type HistoryRow, type ImageSummary, imageHistory, listImages, tagImage } from './images.ts'
import type { Info } from './info.ts'
import { type Inspection, inspectContainer, inspectImage } from './inspect.ts'
import type { CopyReport, CopyRequest } from './places/copy.ts'
import type { IndexReport, IndexRequest } from './places/indexes.ts'
import type { ImageManifests, InspectIndexRequest } from './places/inspect-index.ts'
import type { InspectedManifest } from './places/manifest-json.ts'
import type { AnnotateRequest, ManifestListRequest, PushedList } from './places/manifest-lists.ts'
import type { SearchRequest } from './places/search.ts'
import type { RemovedTag, RemoveTagRequest, TagsRequest } from './places/tags.ts'
import { type Pruned, type PruneRequest, pruneImages } from './prune.ts'
import type { PulledImage, PullRequest } from './registry/pull.ts'
import type { PushedImage, PushRequest } from './registry/push.ts'
import type { Household, RegistryWishes } from './registry/repository.ts'
import { listTransfers, removeAllTransfers, removeTransfers, type Transfer } from './registry/transfers.ts'
import { type Removal, type RemoveOptions, removeImage } from './remove.ts'

// What builds, runs and moves images is large. It is loaded when first used, so that lists come up at once.
const archives = (): Promise<typeof import('./archives.ts')> => import('./archives.ts')
const buildCache = (): Promise<typeof import('./build-cache.ts')> => import('./build-cache.ts')
const containers = (): Promise<typeof import('./containers.ts')> => import('./containers.ts')

/** How an engine is opened. */
export interface EngineOptions {
  /** The store's folder; `SLIPWAY_ROOT`, `/var/lib/slipway` or the user's data folder when missing. */
  root?: string
  /** Where what is configured about registries is found; the user's and this machine's files when missing. */
  registries?: SettingsOptions
}

/** A container as `ps` shows it. */
export interface ContainerSummary extends Container {
  state: ContainerState
}

/**
 * The product: what the command line, the Docker socket and programs all talk to. Names of images and containers are
 * as users write them. Errors are `SlipwayError`s. Dispose it when done; what runs goes on.
 */
export interface Engine extends Disposable {
  build(request: BuildRequest, job?: Job): Promise<BuildReport>
  /** Builds, and again whenever a file changes that counts, until the job is stopped. */
  watch(request: BuildRequest, listener: WatchListener, job?: Job): Promise<void>
  /** Writes `Dockerfile.lock`: what the names and URLs of a build stand for now. */
  lock(request: LockRequest, job?: Job): Promise<LockReport>
  /** Judges a Dockerfile without building it: all stages, or the target and what it needs. */
  check(request: BuildRequest, job?: Job): Promise<CheckReport>
  /** What a build of the target can be given. */
  outline(request: BuildRequest, job?: Job): Promise<Outline>
  /** The stages of a Dockerfile. */
  targets(request: BuildRequest, job?: Job): Promise<Targets>
  /** Makes a base image from a distribution's own packages. */
  bootstrap(request: BootstrapRequest, job?: Job): Promise<StoredImage>
  /** What a container changed of its image, or what is different between two of them, a directory before its entries. */
  diff(request: DiffRequest, job?: Job): AsyncIterable<Change>
  /** Copies files of a container, an image or a build step to this machine, by the rules of `docker cp`. */
  copyOut(request: CopyOutRequest, destination: string, job?: Job): Promise<void>
  /** The same as a tar. */
  copyOutTar(request: CopyOutRequest, job?: Job): Bytes
  /** Copies an image between two places: the store, registries, OCI layouts, archives, folders. */
  copy(request: CopyRequest, job?: Job): Promise<CopyReport>
  info(job?: Job): Promise<Info>
  readonly builds: {
    /** Latest first. */
    list(): PastBuild[]
    inspect(name: string): PastBuild
    /** Everything that a build reported. */
    log(name: string): AsyncIterable<LoggedEvent>
    /** A step of a build, and the build: `step:3`, `step:last`, `step:BUILD/3`. */
    step(name: string): FoundStep
    /** Makes an image without a name of what a step left, to make containers from. */
    stepImage(name: string): Promise<StepImage>
    /** Forgets a build; its id. */
    remove(name: string): string
    /** The latest build that got to its steps, also one that failed. */
    latest(): PastBuild | undefined
  }
  /** What builds keep to go faster the next time. */
  readonly cache: {
    usage(filters?: Filters): Promise<CacheUsage>
    prune(request?: CachePruneRequest): Promise<{ records: CacheRecord[]; bytes: number }>
  }
  readonly images: {
    list(filters?: Filters): ImageSummary[]
    inspect(name: string, platform?: Platform): Inspection
    history(name: string, platform?: Platform): HistoryRow[]
    tag(name: string, as: string): void
    remove(name: string, options?: RemoveOptions): Removal
    prune(request?: PruneRequest): Pruned
    save(names: readonly string[], options?: { platform?: Platform }, job?: Job): Bytes
    load(input: string | Bytes, options?: { platform?: Platform }, job?: Job): Promise<LoadedImage[]>
    import(request: ImportRequest, job?: Job): Promise<StoredImage>
    /** Brings an image from a registry, or all of a repository; each is given when it is here. */
    pull(request: PullRequest, job?: Job): AsyncIterable<PulledImage>
    /** Sends an image to the registry of its name, or all of a repository; each is given when it is there. */
    push(request: PushRequest, job?: Job): AsyncIterable<PushedImage>
  }
  /** Blobs that were not transferred to their end, and will be gone on with. */
  readonly transfers: {
    list(): Transfer[]
    /** By digest, or the beginning of one. */
    remove(name: string): Transfer[]
    removeAll(): Transfer[]
  }
  /** Lists of the manifests of several platforms, in the store, in registries and in other places. */
  readonly indexes: {
    /** Makes one of manifests and other indexes; its images are copied to where it goes. */
    create(request: IndexRequest, job?: Job): Promise<IndexReport>
    /** The manifests of an image, and the statements that are attached to them. */
    inspect(request: InspectIndexRequest, job?: Job): Promise<ImageManifests>
  }
  /** Lists of manifests that are collected here until they are pushed, the same ones as Docker's. */
  readonly manifestLists: {
    /** Answers with the list's whole name. */
    create(request: ManifestListRequest, job?: Job): Promise<string>
    annotate(request: AnnotateRequest): Promise<void>
    /** A list that is collected here, or what a registry has under the name; with `list` a manifest of that list. */
    inspect(request: RegistryWishes & { name: string; list?: string }, job?: Job): Promise<InspectedManifest>
    push(request: RegistryWishes & { list: string; purge?: boolean }, job?: Job): Promise<PushedList>
    remove(list: string): Promise<void>
  }
  /** What is in registries. */
  readonly registries: {
    /** Sorted. */
    tags(request: TagsRequest, job?: Job): Promise<string[]>
    removeTag(request: RemoveTagRequest, job?: Job): Promise<RemovedTag>
    search(request: SearchRequest, job?: Job): Promise<FoundRepository[]>
  }
  /** What RUN steps keep between builds. Names are ids as they stand in Dockerfiles, or beginnings of keys. */
  readonly cacheMounts: {
    list(filters?: Filters): CacheMountSummary[]
    inspect(name: string): CacheMountSummary[]
    remove(name: string): CacheMountsRemoved
    prune(filters?: Filters): CacheMountsRemoved
    copy(request: CacheMountCopy): Promise<void>
    /** A tar archive of the content. */
    export(name: string, job?: Job): Bytes
    import(request: { name: string; source: Bytes }, job?: Job): Promise<CacheMountRecord>
  }
  readonly containers: {
    list(): ContainerSummary[]
    inspect(name: string): Inspection
    create(request: CreateRequest): CreatedContainer
    start(name: string, options?: StartOptions, job?: Job): Promise<void>
    /** Resolves with the exit code. */
    wait(name: string, job?: Job): Promise<number>
    kill(name: string, signal: string, job?: Job): Promise<void>
    stop(name: string, options: { seconds: number; signal?: string }, job?: Job): Promise<void>
    remove(name: string, options?: { force?: boolean }, job?: Job): Promise<void>
    /** Output so far, and with `follow` what comes, until the container has ended. */
    logs(name: string, options?: { follow?: boolean }, job?: Job): AsyncIterable<LogEntry>
  }
}

/** Opens an engine over a store. Fails with `STORE_UNUSABLE` or `STORE_TOO_NEW`. */
export function openEngine(options: EngineOptions = {}): Engine {
  const store = guardedSync(() => openStore(options.root ?? defaultRoot()))
  const { registries } = options
  const household = { store, ...(registries ? { registries } : {}) }
  const asHere = <T extends BuildRequest>(request: T): T => (registries ? { registries, ...request } : request)
  return {
    build: (request, job = silentJob) =>
      guarded(async () => (await import('./build/build.ts')).build(store, asHere(request), job)),
    watch: (request, listener, job = silentJob) =>
      guarded(async () => (await import('./build/watch/watch.ts')).watchBuild(store, asHere(request), listener, job)),
    lock: (request, job = silentJob) =>
      guarded(async () => (await import('./build/lock/lock.ts')).lockBuild(store, asHere(request), job)),
    check: (request, job = silentJob) =>
      guarded(async () => (await import('./build/check.ts')).check(store, asHere(request), job)),
    outline: (request, job = silentJob) =>
      guarded(async () => (await import('./build/outline.ts')).outline(store, asHere(request), job)),
    targets: (request, job = silentJob) =>
      guarded(async () => (await import('./build/targets.ts')).targets(store, asHere(request), job)),
    bootstrap: (request, job = silentJob) =>
      guarded(async () => (await import('./bootstrap.ts')).bootstrap(store, request, job)),
    diff: (request, job = silentJob) => diff(store, request, job),
    copyOut: (request, destination, job = silentJob) =>
      guarded(async () => (await import('./copy-out.ts')).copyOut(store, request, destination, job)),
    copyOutTar: (request, job = silentJob) => guardedStream(copyOutTar(store, request, job)),
    copy: (request, job = silentJob) =>
      guarded(async () => (await import('./places/copy.ts')).copy(household, request, job)),
    info: (job = silentJob) => guarded(async () => (await import('./info.ts')).info(store, job)),
    builds: buildFunctions(store),
    cache: {
      usage: async (filters) => (await buildCache()).cacheUsage(store, filters),
      prune: (request) => guarded(async () => (await buildCache()).pruneCache(store, request)),
    },
    images: imageFunctions(household),
    indexes: indexFunctions(household),
    manifestLists: manifestListFunctions(household),
    registries: registryFunctions(household),
    transfers: {
      list: () => listTransfers(store),
      remove: (name) => guardedSync(() => removeTransfers(store, name)),
      removeAll: () => guardedSync(() => removeAllTransfers(store)),
    },
    cacheMounts: cacheMountFunctions(store),
    containers: containerFunctions(store),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  }
}

function buildFunctions(store: Store): Engine['builds'] {
  return {
    list: () => listBuilds(store),
    inspect: (name) => findBuild(store, name),
    log: (name) => buildLog(store, name),
    step: (name) => findStep(store, name),
    stepImage: (name) => guarded(async () => (await import('./builds/step-image.ts')).imageOfStep(store, name)),
    remove: (name) => guardedSync(() => removeBuild(store, name)),
    latest: () => latestExplained(store),
  }
}

async function* buildLog(store: Store, name: string): AsyncIterable<LoggedEvent> {
  yield* (await import('./builds/build-log.ts')).buildLog(store, name)
}

async function* diff(store: Store, request: DiffRequest, job: Job): AsyncIterable<Change> {
  yield* (await import('./diff.ts')).diff(store, request, job)
}

async function* copyOutTar(store: Store, request: CopyOutRequest, job: Job): Bytes {
  yield* (await import('./copy-out.ts')).copyOutTar(store, request, job)
}

function imageFunctions(household: Household): Engine['images'] {
  const { store } = household
  return {
    list: (filters = {}) =>
      listImages(store)
        .filter(imageFilter(store, filters))
        .map((image) => onlyNamesAskedFor(image, filters)),
    inspect: (name, platform) => inspectImage(store, name, platform),
    history: (name, platform) => imageHistory(store, name, platform),
    tag: (name, as) => guardedSync(() => tagImage(store, name, as)),
    remove: (name, removeOptions) => guardedSync(() => removeImage(store, name, removeOptions)),
    prune: (request = {}) => guardedSync(() => pruneImages(store, request)),
    save: (names, saveOptions = {}, job = silentJob) => guardedStream(save(store, names, saveOptions, job)),
    load: (input, loadOptions = {}, job = silentJob) =>
      guarded(async () => (await archives()).loadImages(store, input, loadOptions, job)),
    import: (request, job = silentJob) => guarded(async () => (await archives()).importImage(store, request, job)),
    pull: (request, job = silentJob) => guardedStream(pull(household, request, job)),
    push: (request, job = silentJob) => guardedStream(push(household, request, job)),
  }
}

async function* pull(household: Household, request: PullRequest, job: Job): AsyncIterable<PulledImage> {
  yield* (await import('./registry/pull.ts')).pullImages(household, request, job)
}

async function* push(household: Household, request: PushRequest, job: Job): AsyncIterable<PushedImage> {
  yield* (await import('./registry/push.ts')).pushImages(household, request, job)
}

async function* save(store: Store, names: readonly string[], options: { platform?: Platform }, job: Job): Bytes {
  yield* (await archives()).saveImages(store, names, options, job)
}

function indexFunctions(household: Household): Engine['indexes'] {
  return {
    create: (request, job = silentJob) =>
      guarded(async () => (await import('./places/indexes.ts')).createIndexOf(household, request, job)),
    inspect: (request, job = silentJob) =>
      guarded(async () => (await import('./places/inspect-index.ts')).inspectIndex(household, request, job)),
  }
}

function manifestListFunctions(household: Household): Engine['manifestLists'] {
  const lists = (): Promise<typeof import('./places/manifest-lists.ts')> => import('./places/manifest-lists.ts')
  return {
    create: (request, job = silentJob) =>
      guarded(async () => (await lists()).createManifestList(household, request, job)),
    annotate: (request) => guarded(async () => (await lists()).annotateManifest(household, request)),
    inspect: (request, job = silentJob) =>
      guarded(async () => (await lists()).inspectManifest(household, request, job)),
    push: (request, job = silentJob) => guarded(async () => (await lists()).pushManifestList(household, request, job)),
    remove: (list) => guarded(async () => (await lists()).removeManifestList(household, list)),
  }
}

function registryFunctions(household: Household): Engine['registries'] {
  const tags = (): Promise<typeof import('./places/tags.ts')> => import('./places/tags.ts')
  return {
    tags: (request, job = silentJob) => guarded(async () => (await tags()).listTags(household, request, job)),
    removeTag: (request, job = silentJob) => guarded(async () => (await tags()).removeTag(household, request, job)),
    search: (request, job = silentJob) =>
      guarded(async () => (await import('./places/search.ts')).search(household, request, job)),
  }
}

function cacheMountFunctions(store: Store): Engine['cacheMounts'] {
  const files = (): Promise<typeof import('./cache-mount-files.ts')> => import('./cache-mount-files.ts')
  const exported = async function* (name: string, job: Job): Bytes {
    yield* (await files()).exportCacheMount(store, name, job)
  }
  return {
    list: (filters) => listCacheMounts(store, filters),
    inspect: (name) => inspectCacheMounts(store, name),
    remove: (name) => guardedSync(() => removeCacheMounts(store, name)),
    prune: (filters) => guardedSync(() => pruneCacheMounts(store, filters)),
    copy: (request) => guarded(async () => (await files()).copyCacheMount(store, request)),
    export: (name, job = silentJob) => guardedStream(exported(name, job)),
    import: (request, job = silentJob) => guarded(async () => (await files()).importCacheMount(store, request, job)),
  }
}

function containerFunctions(store: Store): Engine['containers'] {
  const find = (name: string): Container => findContainer(store, name)
  return {
    list: () =>
      (store.containers.list() as Container[]).map((each) => ({ ...each, state: containerState(store, each) })),
    inspect: (name) => inspectContainer(store, name),
    create: (request) => guardedSync(() => createContainer(store, request)),
    start: (name, startOptions = {}, job = silentJob) =>
      guarded(async () => (await containers()).start(store, find(name), startOptions, job)),
    wait: async (name, job = silentJob) => (await containers()).waitForExit(store, find(name), job),
    kill: async (name, signal, job = silentJob) => (await containers()).kill(store, find(name), signal, job),
    stop: async (name, stopOptions, job = silentJob) => (await containers()).stop(store, find(name), stopOptions, job),
    remove: (name, removeOptions = {}, job = silentJob) =>
      guarded(async () => (await containers()).removeContainer(store, find(name), removeOptions, job)),
    logs: (name, logOptions = {}, job = silentJob) => logs(store, find(name), logOptions, job),
  }
}

async function* logs(
  store: Store,
  container: Container,
  options: { follow?: boolean },
  job: Job,
): AsyncIterable<LogEntry> {
  yield* (await containers()).logsOf(store, container, options, job)
}
