import {
  type BuildSession,
  download,
  type GitReference,
  isCommit,
  type PlanOptions,
  type PlanSources,
  parseGitUrl,
  planBuild,
  resolveGit,
  type Vertex,
} from '../../../build/index.ts'
import type { Job } from '../../../core/index.ts'
import type { Dockerfile } from '../../../dockerfile/index.ts'
import { parseReference } from '../../../oci/index.ts'
import type { BuildContexts } from '../context/contexts.ts'
import { emptyLock, type LockFile } from './lock-file.ts'
import { type Pins, platformKey, urlKey } from './pins.ts'

/** A build that is to be locked. */
export interface Lockable {
  session: BuildSession
  dockerfile: Dockerfile
  /** One for each platform; all stages count when there is no target. */
  options: readonly PlanOptions[]
  sources: PlanSources
  contexts: BuildContexts
  /** What is not looked up anew. */
  keep: Pins
}

/** Finds out what every image name, URL and git reference of a build stands for. Fails as the build would. */
export async function findReferences(build: Lockable, job: Job): Promise<LockFile> {
  const lock = emptyLock()
  const image: PlanSources['image'] = async (text, platform, span) => {
    const found = await build.sources.image(text, platform, span)
    const name = found.name.slice(0, found.name.lastIndexOf('@'))
    if (!parseReference(text).digest) {
      lock.images[name] = { ...lock.images[name], [platformKey(platform)]: found.manifest }
    }
    return found
  }
  const sources = { ...build.sources, image, named: build.contexts.resolver(image, job) }
  const targets = build.options.flatMap((options) => targetsOf(options, build.dockerfile))
  const seen = new Set<string>()
  for (const options of targets) {
    const { vertex } = await planBuild(build.dockerfile, options, sources)
    for (const each of reachable(vertex, seen)) await lockVertex(build, lock, each, job)
  }
  return lock
}

function targetsOf(options: PlanOptions, { stages }: Dockerfile): PlanOptions[] {
  return options.target ? [options] : stages.map(({ index }) => ({ ...options, target: String(index) }))
}

/** A vertex and all that it needs, those that were seen before left out. */
function* reachable(root: Vertex, seen: Set<string>): Generator<Vertex> {
  const pending = [root]
  for (let vertex = pending.pop(); vertex; vertex = pending.pop()) {
    if (seen.has(vertex.id)) continue
    seen.add(vertex.id)
    yield vertex
    pending.push(...vertex.inputs)
  }
}

async function lockVertex(build: Lockable, lock: LockFile, { op }: Vertex, job: Job): Promise<void> {
  if (op.kind === 'http' && op.checksum === null) await lockUrl(build, lock, op.url, job)
  if (op.kind === 'git' && !isCommit(op.checksum ?? '')) {
    const written = parseGitUrl(op.url)!
    await lockGit(build, lock, op.url, op.checksum === null ? written : { ...written, checksum: op.checksum }, job)
  }
  const location = op.kind === 'context' ? build.contexts.location(op.name) : undefined
  if (location?.kind === 'http') await lockUrl(build, lock, location.url, job)
  if (location?.kind === 'git') await lockGit(build, lock, location.url, location.reference, job)
}

async function lockGit(
  { session, keep }: Lockable,
  lock: LockFile,
  url: string,
  reference: GitReference,
  job: Job,
): Promise<void> {
  lock.git[urlKey(url)] ??= { commit: keep.git(url) ?? (await resolveGit(session, reference, job)).commit }
}

async function lockUrl({ session, keep }: Lockable, lock: LockFile, url: string, job: Job): Promise<void> {
  const key = urlKey(url)
  if (lock.http[key]) return
  const pin = keep.http(url)
  const { digest, etag } = pin ? { digest: pin, etag: undefined } : await download(session, url, `lock ${key}`, job)
  lock.http[key] = { digest, ...(etag === undefined ? {} : { etag }) }
}
