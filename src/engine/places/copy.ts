import { fail, type Job, runTask } from '../../core/index.ts'
import type { Descriptor, Platform } from '../../oci/index.ts'
import { hostPlatform } from '../../oci/index.ts'
import { copyImage } from '../../transfer/index.ts'
import type { Household, RegistryWishes } from '../registry/repository.ts'
import { mounting, type OpenSource, type OpenTarget, type Surroundings, withSource, withTarget } from './open.ts'
import { parsePlace } from './place.ts'
import { copyReferrers } from './referrers.ts'
import { type RewriteRequest, rewrite } from './rewrite.ts'
import { withSurroundings } from './surroundings.ts'
import { transferJob } from './transfer-job.ts'

/** What to copy, and where. */
export interface CopyRequest extends RegistryWishes, RewriteRequest {
  /** `docker://NAME`, `oci:FOLDER:TAG`, `oci-archive:FILE`, `docker-archive:FILE`, `dir:FOLDER`, or a name in the store. */
  from: string
  to: string
  /** Of an image for several platforms: one of them, or `all`; this machine's when not said. */
  platform?: Platform | 'all'
  /** Also what refers to the image: signatures, SBOMs. */
  referrers?: boolean
  /** Further names at the target. */
  moreNames?: readonly string[]
}

/** What a copy came to. */
export interface CopyReport {
  /** What is at the target now: an index, or the manifest of one platform. */
  root: Descriptor
  /** How many manifests that refer to the image were copied. */
  referrers: number
}

/** Copies an image between any two places. Fails with `PLACE_INVALID` and as the two places do. */
export async function copy(household: Household, request: CopyRequest, job: Job): Promise<CopyReport> {
  const [from, to] = [parsePlace(request.from), parsePlace(request.to)]
  const { moreNames = [] } = request
  let report: CopyReport | undefined
  await runTask(job, { id: 'copy', name: `copying ${request.from} to ${request.to}` }, () =>
    withSurroundings(household, request, (surroundings) =>
      withSource(
        from,
        surroundings,
        (source) => {
          const work = async (target: OpenTarget): Promise<void> => {
            report = await transfer({ source, target, surroundings }, request, transferJob(job, 'copy'))
          }
          return withTarget(to, surroundings, { moreNames, work }, job)
        },
        job,
      ),
    ),
  )
  return report!
}

async function transfer(
  { source, target, surroundings }: { source: OpenSource; target: OpenTarget; surroundings: Surroundings },
  request: CopyRequest,
  job: Job,
): Promise<CopyReport> {
  const { platform = hostPlatform(), referrers = false } = request
  const wanted = platform === 'all' ? source.all : platform
  const { from, ref, select } = await rewrite(source, { ...request, select: wanted }, surroundings, job)
  const { root } = await copyImage(from, target.to, { ref, select, ...mounting(source, target) }, job)
  if (target.digest !== undefined && target.digest !== root.digest) {
    const message = `Digest of source image's manifest would not match destination reference: it is ${root.digest}`
    throw fail('CONTENT_MISMATCH', message)
  }
  await target.beforeNaming?.(root)
  for (const name of namesFor(target, root)) await target.to.tag(name, root, job)
  if (!referrers) return { root, referrers: 0 }
  if (!(await source.from.has(root, job))) {
    const message = 'referrers are not copied: with other layers or media types the image is not the one they refer to'
    job.progress({ type: 'warning', code: 'REFERRERS_LEFT', message })
    return { root, referrers: 0 }
  }
  return { root, referrers: await copyReferrers(source, target, root, job) }
}

/** Folders and archives list an image that has no name by its digest. */
function namesFor({ names, digest }: OpenTarget, root: Descriptor): readonly string[] {
  return names.length > 0 || digest !== undefined ? names : [root.digest]
}
