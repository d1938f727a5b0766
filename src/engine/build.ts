import path from 'node:path'
import {
  BuildSession,
  createRunners,
  createSolver,
  exportImage,
  FileDigests,
  FolderSource,
  findHostCa,
  type PlanOptions,
  planBuild,
  type ResolvedImage,
  restampLayer,
  type Solver,
  type StageState,
} from '../build/index.ts'
import {
  type Digest,
  fail,
  hasCode,
  type Job,
  mapLimit,
  type ProgressEvent,
  runTask,
  type SourceFile,
  type SourceSpan,
} from '../core/index.ts'
import { type ParseWarning, parseDockerfile } from '../dockerfile/index.ts'
import {
  familiarReference,
  formatPlatform,
  formatReference,
  hostPlatform,
  matchesPlatform,
  type Platform,
  parseReference,
  withDefaultTag,
} from '../oci/index.ts'
import type { LayerRecord, Lease, Store, StoredImage } from '../store/index.ts'
import { contextFolder, readDockerfile, readIgnoreFile } from './build-inputs.ts'
import { fullName } from './images.ts'
import { secretNameWarnings } from './secret-names.ts'

/** What to build. */
export interface BuildRequest {
  /** A folder. */
  context: string
  /** Path of the Dockerfile, or the file itself; `Dockerfile` in the context when missing. */
  dockerfile?: string | SourceFile
  tags?: readonly string[]
  buildArgs?: Readonly<Record<string, string>>
  /** Stage to build, by name or number. */
  target?: string
  labels?: Readonly<Record<string, string>>
  platform?: Platform
  noCache?: boolean
  network?: 'default' | 'none' | 'host'
  /** `name=address`. */
  extraHosts?: readonly string[]
  /** Bytes of /dev/shm in RUN steps. */
  shmSize?: number
  /** RUN steps trust this machine's certificate authorities. */
  hostCa?: boolean
  /**
   * Seconds since 1970, the build argument SOURCE_DATE_EPOCH when missing: the time of the image and its steps, and the
   * latest time of any file that they make. The cache does not depend on it.
   */
  epoch?: number
}

/** What a build made. */
export interface BuildReport {
  /** The image id: digest of its config. */
  id: Digest
  /** Digest of its manifest. */
  digest: Digest
  /** Full names. */
  names: string[]
  /** Steps that make layers, and how many of them came from the cache. */
  steps: number
  cachedSteps: number
  warnings: readonly ParseWarning[]
}

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  const context = contextFolder(request.context)
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const { file, source } = await internal(job, 'load build definition from', nameOf(request), () =>
    readDockerfile(context, request.dockerfile),
  )
  const dockerfile = parseDockerfile(source)
  for (const { message, span } of dockerfile.warnings) {
    job.progress({ type: 'warning', code: 'PARSE', message, ...(span ? { span } : {}) })
  }
  const stage = await planBuild(dockerfile, planOptions(request), {
    image: imageResolver(store, lease, job),
    planned: (planned) => {
      for (const warning of secretNameWarnings(planned)) job.progress(warning)
    },
  })
  const ignore = await internal(job, 'load', '.dockerignore', () => readIgnoreFile(context, file))
  const digests = new FileDigests(store.memos, context)
  const where = ignore ? `in the build context (see ${ignore.name})` : 'in the build context'
  const files = new FolderSource(context, { digests, where, ...(ignore ? { filter: ignore.filter } : {}) })
  const runners = createRunners(session, new Map([['context', files]]))
  const solver = createSolver(runners, store, { now: Date.now, lease }, job)
  const layers = await solveAll(solver, stage)
  digests.save()
  const image = await exportTask(store, { stage, solver, layers, names, lease, epoch: epochOf(request) }, job)
  return report(image, stage, solver, names, dockerfile.warnings)
}

function nameOf({ dockerfile = 'Dockerfile' }: BuildRequest): string {
  return typeof dockerfile === 'string' ? dockerfile : dockerfile.name
}

function checkedTag(tag: string): string {
  try {
    return fullName(tag)
  } catch (error) {
    if (!hasCode(error, 'REFERENCE_INVALID')) throw error
    const hasDigest = error.message.includes('digest reference')
    if (hasDigest) throw fail('REFERENCE_INVALID', 'build tag cannot contain a digest', { cause: error })
    throw fail('REFERENCE_INVALID', `invalid tag "${tag}": ${tagProblem(tag, error.message)}`, { cause: error })
  }
}

/** What buildx says of a tag, where it has words of its own. */
function tagProblem(tag: string, message: string): string {
  if (tag === '') return 'repository name must have at least one component'
  return message.endsWith('must be lowercase') ? 'repository name must be lowercase' : message
}

/** Work that progress shows as `[internal] ...`. */
function internal<T>(job: Job, verb: string, what: string, work: () => T | Promise<T>): Promise<T> {
  const name = `[internal] ${verb} ${path.basename(what)}`
  return runTask(job, { id: name, name }, async () => work())
}

function planOptions(request: BuildRequest): PlanOptions {
  const { target, shmSize, buildArgs = {} } = request
  return {
    buildArgs,
    labels: request.labels ?? {},
    platform: request.platform ?? hostPlatform(),
    buildPlatform: hostPlatform(),
    noCache: request.noCache ?? false,
    network: request.network ?? 'default',
    extraHosts: request.extraHosts ?? [],
    ...(target === undefined ? {} : { target }),
    ...(shmSize === undefined ? {} : { shmSize }),
    ...(request.hostCa ? { hostCa: findHostCa() } : {}),
  }
}

function epochOf({ epoch, buildArgs = {} }: BuildRequest): number | undefined {
  const text = buildArgs['SOURCE_DATE_EPOCH']
  if (epoch !== undefined) return epoch
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,12}$/.test(text)) {
    throw fail('EPOCH_INVALID', `invalid SOURCE_DATE_EPOCH: ${text}`, { hint: 'It is a number of seconds since 1970.' })
  }
  return Number(text)
}

/** Of an image, as `images` shows it or longer: what is shorter is a name. */
const IMAGE_ID = /^(sha256:)?[0-9a-f]{12,64}$/

/** BuildKit's words (dockerfile2llb: rule InvalidBaseImagePlatform). */
function otherPlatform(name: string, wanted: Platform, found: Platform, span: SourceSpan): ProgressEvent {
  const [expected, pulled] = [formatPlatform(wanted), formatPlatform(found)]
  const message = `Base image ${name} was pulled with platform "${pulled}", expected "${expected}" for current build`
  return { type: 'warning', code: 'InvalidBaseImagePlatform', message, span }
}

/** Base images come from the store. BuildKit's words for one that is not there. */
function imageResolver(store: Store, lease: Lease, job: Job) {
  return async (text: string, platform: Platform, span: SourceSpan): Promise<ResolvedImage> => {
    const name = referenceOf(text, span)
    const task = { id: `metadata ${name}`, name: `[internal] load metadata for ${name}` }
    return runTask(job, task, async () => {
      const image = store.atomically(() => {
        const found = store.images.named(name) ?? (IMAGE_ID.test(text) ? store.images.find(text)?.image : undefined)
        if (found) lease.hold([found.descriptor.digest])
        return found
      })
      if (!image) throw missingBase(name, span)
      const { config } = store.images.config(image, platform)
      if (!matchesPlatform(platform, config)) job.progress(otherPlatform(text, platform, config, span))
      const layers = config.rootfs.diff_ids.map((diffId) => store.layers.get(diffId))
      if (!layers.every((layer): layer is LayerRecord => layer !== undefined)) throw missingBase(name, span)
      return { name: `${name.replace(/@.*/, '')}@${image.descriptor.digest}`, config, layers }
    })
  }
}

function referenceOf(text: string, span: SourceSpan): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)))
  } catch (error) {
    if (!hasCode(error, 'REFERENCE_INVALID')) throw error
    throw fail('REFERENCE_INVALID', `failed to parse stage name "${text}": ${error.message}`, { span, cause: error })
  }
}

function missingBase(name: string, span: SourceSpan): Error {
  const short = familiarReference(parseReference(name))
  return fail('IMAGE_NOT_FOUND', `${short}: failed to resolve source metadata for ${name}: not found in the store`, {
    span,
    hint: `make a base with "slipway bootstrap debian" or "slipway bootstrap busybox", or bring the image with "slipway load -i FILE"`,
  })
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

interface Finished {
  stage: StageState
  solver: Solver
  layers: readonly LayerRecord[]
  names: readonly string[]
  lease: Lease
  epoch: number | undefined
}

async function exportTask(store: Store, finished: Finished, job: Job): Promise<StoredImage> {
  const { stage, solver, layers, names, lease, epoch } = finished
  return runTask(job, { id: 'export', name: 'exporting to image' }, async () => {
    const baseCount = stage.base?.layers.length ?? 0
    let next = 0
    const own = layers.slice(baseCount)
    const stamped = epoch === undefined ? own : await restampAll(store, own, { epoch, lease }, job)
    const steps = stage.steps.map(({ createdBy, vertex }) => {
      const time = vertex && (epoch === undefined ? solver.outcome(vertex)?.createdAt : epoch * 1000)
      const created = time === undefined ? {} : { created: new Date(time).toISOString() }
      const history = { ...created, created_by: createdBy, comment: 'buildkit.dockerfile.v0' }
      return vertex ? { history, layer: stamped[next++]! } : { history }
    })
    const image = exportImage(store, lease, { ...resultOf(stage), steps }, names)
    const say = (name: string): Promise<void> =>
      runTask(job, { id: `export ${name}`, name, parent: 'export' }, async () => {})
    await say(`writing image ${image.id}`)
    for (const name of names) await say(`naming to ${name}`)
    return image
  })
}

/** Two at a time, in the given order. */
function restampAll(
  store: Store,
  layers: readonly LayerRecord[],
  options: { epoch: number; lease: Lease },
  job: Job,
): Promise<LayerRecord[]> {
  return mapLimit(layers, 2, (layer) => restampLayer(store, layer, options, job))
}

function resultOf({ platform, base, config, author }: StageState): Omit<Parameters<typeof exportImage>[2], 'steps'> {
  return { platform, config, ...(base ? { base } : {}), ...(author === undefined ? {} : { author }) }
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
