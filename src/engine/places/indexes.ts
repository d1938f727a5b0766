import { bytesOf, fail, type Job, runTask } from '../../core/index.ts'
import { type Descriptor, type Platform, repositoryOf } from '../../oci/index.ts'
import { copyImage } from '../../transfer/index.ts'
import type { Annotation } from '../build/outputs/output.ts'
import type { Household, RegistryWishes } from '../registry/repository.ts'
import { type Combined, combineIndex } from './combine.ts'
import { mounting, type OpenTarget, type Surroundings, withTarget } from './open.ts'
import { type Place, parsePlace } from './place.ts'
import { type FoundSource, parseSource, withSources } from './sources.ts'
import { withSurroundings } from './surroundings.ts'
import { transferJob } from './transfer-job.ts'

/** What to make an index of, and where it goes. Places without `docker://` and the like are names in registries. */
export interface IndexRequest extends RegistryWishes {
  /** Places; digests and descriptors (JSON) of manifests in the repository of the only name. */
  sources: readonly string[]
  /** What to call it; none needed for a dry run. */
  names: readonly string[]
  /** Adds to what the first name stands for. */
  append?: boolean
  annotations?: readonly Annotation[]
  /** Only these platforms. */
  platforms?: readonly Platform[]
  /** Makes an index also of a single manifest; so it is when missing. */
  preferIndex?: boolean
  /** Answers with the index and writes nothing. */
  dryRun?: boolean
}

/** An index that was made, or would be. */
export interface IndexReport {
  descriptor: Descriptor
  bytes: Buffer
}

/**
 * Makes an index of manifests and of other indexes, and copies what it needs of their images to where it is named.
 * Fails with `USAGE_INVALID`, `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND` and as copies do.
 */
export async function createIndexOf(household: Household, request: IndexRequest, job: Job): Promise<IndexReport> {
  const { names, sources, append = false, dryRun = false } = request
  if (sources.length === 0) throw fail('USAGE_INVALID', 'no sources specified')
  if (!dryRun && names.length === 0) {
    throw fail('USAGE_INVALID', "can't push with no tags specified, please set --tag or --dry-run")
  }
  const targets = names.map((name) => parsePlace(name, { bare: 'registry' }))
  if (append && targets.length === 0) throw fail('USAGE_INVALID', 'no tag to append to')
  const repository = theRepository([...targets, ...sources.flatMap(tryPlace)])
  const wanted = sources.map((text) => parseSource(text, repository))
  const all = append ? [{ place: targets[0]! }, ...wanted] : wanted
  return withSurroundings(household, request, (surroundings) => {
    const work = async (found: readonly FoundSource[]): Promise<IndexReport> => {
      const combined = combineIndex(found, request)
      if (dryRun) return combined
      for (const [i, target] of targets.entries()) {
        const goal = { target, name: names[i]! }
        await publish({ found, combined }, goal, surroundings, job)
      }
      return combined
    }
    return withSources(all, surroundings, work, job)
  })
}

/** The repository of all registry places, if there is but one. */
function theRepository(places: readonly Place[]): string | undefined {
  const all = new Set(places.flatMap((place) => (place.kind === 'registry' ? [repositoryOf(place.reference)] : [])))
  return all.size === 1 ? [...all][0] : undefined
}

function tryPlace(text: string): Place[] {
  return /^\s*(\{|sha\d+:)/.test(text) ? [] : [parsePlace(text, { bare: 'registry' })]
}

async function publish(
  made: { found: readonly FoundSource[]; combined: Combined },
  { target, name }: { target: Place; name: string },
  surroundings: Surroundings,
  job: Job,
): Promise<void> {
  const id = `push ${name}`
  const work = (open: OpenTarget): Promise<void> => write(made, open, transferJob(job, id))
  await runTask(job, { id, name: `[internal] pushing ${name}` }, () =>
    withTarget(target, surroundings, { moreNames: [], work }, job),
  )
}

async function write(
  { found, combined }: { found: readonly FoundSource[]; combined: Combined },
  target: OpenTarget,
  job: Job,
): Promise<void> {
  const { descriptor, bytes, manifests } = combined
  const { to, names } = target
  const wanted = manifests.length > 0 ? manifests : [descriptor]
  for (const entry of wanted) {
    const { source } = await holder(found, entry, job)
    await copyImage(source.from, to, { ref: entry.digest, select: source.all, ...mounting(source, target) }, job)
  }
  if (manifests.length > 0) await to.write(descriptor, bytesOf(bytes), {}, job)
  await target.beforeNaming?.(descriptor)
  for (const name of names.length > 0 ? names : [descriptor.digest]) await to.tag(name, descriptor, job)
}

/** The source that has a manifest. */
async function holder(found: readonly FoundSource[], entry: Descriptor, job: Job): Promise<FoundSource> {
  const direct = found.find(({ descriptor }) => descriptor.digest === entry.digest)
  if (direct) return direct
  for (const each of found) if (await each.source.from.has(entry, job)) return each
  throw fail('BLOB_NOT_FOUND', `none of the sources has ${entry.digest}`)
}
