import { existsSync } from 'node:fs'
import path from 'node:path'
import { BuildSession } from '../../../build/index.ts'
import { bytesOf, fail, type Job, runTask } from '../../../core/index.ts'
import { parseDockerfile } from '../../../dockerfile/index.ts'
import { formatReference, parseReference, withDefaultTag } from '../../../oci/index.ts'
import type { Store } from '../../../store/index.ts'
import { saveFile } from '../../../transfer/index.ts'
import { imageResolver } from '../base-images.ts'
import { loadDefinition } from '../definition.ts'
import { isMultiPlatform, planOptions, targetPlatforms } from '../plan-options.ts'
import type { BuildRequest } from '../request.ts'
import { compareLocks, emptyLock, formatLock, type LockChange, type LockFile } from './lock-file.ts'
import { createPins, type Pins, platformKey, urlKey } from './pins.ts'
import { lockPath, readLock } from './place.ts'
import { findReferences } from './references.ts'

/** What to lock: a build, of which all stages count when no target is named. */
export interface LockRequest extends BuildRequest {
  /** Look up only these image names and URLs anew, and what the lock does not have; everything when missing. */
  update?: readonly string[]
  /** Only find out what would change. */
  check?: boolean
}

/** What became of a lock file. */
export interface LockReport {
  /** Its path. */
  file: string
  lock: LockFile
  changes: LockChange[]
}

/**
 * Writes `Dockerfile.lock` beside the Dockerfile: what every image name, URL and git reference stands for now. Entries
 * for platforms that are not asked for stay. Fails with `LOCK_INVALID` for a Dockerfile that is not a file of this
 * machine, and as a build would.
 */
export async function lockBuild(store: Store, request: LockRequest, job: Job): Promise<LockReport> {
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  const { locked: _, ...unlocked } = request
  const definition = await loadDefinition(session, unlocked, job)
  const file = lockPath(definition)
  const before = readLock(file) ?? emptyLock()
  const keep = request.update ? keptPins(before, request.update) : NO_PINS
  const { contexts, source } = definition
  const options = targetPlatforms(request).map((platform) => planOptions(request, platform))
  const { pull, registries } = request
  const finding = { namesPlatform: isMultiPlatform(request), pins: keep, pull, registries }
  const image = imageResolver(store, lease, finding, job)
  const build = { session, dockerfile: parseDockerfile(source), options, sources: { image }, contexts, keep }
  const found = await findReferences(build, job)
  checkNames(request.update ?? [], found)
  const lock = withOtherPlatforms(found, before)
  const changes = compareLocks(before, lock)
  if (!request.check && (changes.length > 0 || !existsSync(file))) {
    await runTask(job, { id: 'lock', name: `writing ${path.basename(file)}` }, () =>
      saveFile(file, bytesOf(Buffer.from(formatLock(lock))), 0o644),
    )
  }
  return { file, lock, changes }
}

const NO_PINS: Pins = { image: () => undefined, http: () => undefined, git: () => undefined }

/** What stays as it is locked: all that is not named. */
function keptPins(lock: LockFile, update: readonly string[]): Pins {
  const names = new Set(update.flatMap((name) => [urlKey(name), fullName(name)]))
  const all = createPins(lock, '')
  const known = <T>(name: string, isLocked: boolean, pin: () => T): T | undefined =>
    isLocked && !names.has(name) ? pin() : undefined
  return {
    image: (name, platform) => {
      const isLocked = lock.images[name]?.[platformKey(platform)] !== undefined
      return known(name, isLocked, () => all.image(name, platform))
    },
    http: (url) => known(urlKey(url), lock.http[urlKey(url)] !== undefined, () => all.http(url)),
    git: (url) => known(urlKey(url), lock.git[urlKey(url)] !== undefined, () => all.git(url)),
  }
}

/** The full name of an image, the text itself when it is none. */
function fullName(text: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)))
  } catch {
    return text
  }
}

function checkNames(names: readonly string[], { images, http, git }: LockFile): void {
  const unknown = names.find(
    (name) =>
      !(Object.hasOwn(images, fullName(name)) || [http, git].some((group) => Object.hasOwn(group, urlKey(name)))),
  )
  if (unknown === undefined) return
  throw fail('USAGE_INVALID', `nothing in this build is called ${unknown}`, {
    hint: `It names ${[images, http, git].flatMap(Object.keys).join(', ') || 'no images and no URLs'}.`,
  })
}

function withOtherPlatforms(found: LockFile, before: LockFile): LockFile {
  const images = Object.entries(found.images).map(([name, digests]) => [name, { ...before.images[name], ...digests }])
  return { ...found, images: Object.fromEntries(images) as LockFile['images'] }
}
