import { type Digest, fail, hasCode, type SlipwayError, type SourceSpan } from '../../../core/index.ts'
import { formatPlatform, normalizePlatform, type Platform, parseReference } from '../../../oci/index.ts'
import type { LockFile } from './lock-file.ts'

/**
 * What names and URLs stand for in a build, as far as they are fixed. `undefined` for what is not: then it is looked up.
 * Those of a locked build fail with `LOCK_INCOMPLETE` for what the lock does not name.
 */
export interface Pins {
  /** The manifest that a full image name means on a platform; nothing for a name with a digest, which says it itself. */
  image(name: string, platform: Platform, span?: SourceSpan): Digest | undefined
  /** Digest of the content behind a URL. */
  http(url: string, span?: SourceSpan): Digest | undefined
  /** Commit that a git URL means. */
  git(url: string, span?: SourceSpan): string | undefined
}

/** How a platform is called in a lock. */
export const platformKey = (platform: Platform): string => formatPlatform(normalizePlatform(platform))

/** A URL as the lock has it: without user name and password. */
export const urlKey = (url: string): string => url.replace(/^(\w+:\/\/)[^/@]*@/, '$1')

/** The pins of a lock. `file` is its name, for messages. */
export function createPins(lock: LockFile, file: string): Pins {
  const found = <T>(pin: T | undefined, what: string, span: SourceSpan | undefined): T => {
    if (pin !== undefined) return pin
    throw fail('LOCK_INCOMPLETE', `${what} is not in ${file}`, {
      hint: 'Add it with "slipway lock", or build with --update-lock in place of --locked.',
      ...(span ? { span } : {}),
    })
  }
  return {
    image(name, platform, span) {
      if (parseReference(name).digest) return undefined
      const key = platformKey(platform)
      return found(lock.images[name]?.[key], `${name} for ${key}`, span)
    },
    http: (url, span) => found(lock.http[urlKey(url)]?.digest, urlKey(url), span),
    git: (url, span) => found(lock.git[urlKey(url)]?.commit, urlKey(url), span),
  }
}

/** The error for an image that is pinned to what is not in the store. */
export function imageMissing(
  name: string,
  pin: Digest,
  { now, problem, span }: { now: Digest | undefined; problem: unknown; span: SourceSpan },
): Error {
  const moved = now === undefined ? 'No image has this name here.' : `The name stands for ${now} now.`
  return fail('LOCK_BROKEN', `${name} is locked to ${pin}, which is not in the store`, {
    hint: `${moved} ${problem instanceof Error ? `It could not be pulled: ${problem.message}. ` : ''}Bring the locked image, or take what there is with --update-lock=${name}.`,
    span,
    ...(problem === undefined ? {} : { cause: problem }),
    data: { locked: pin, ...(now === undefined ? {} : { found: now }) },
  })
}

/** The same error in the words of a locked build, when it says that a URL no longer holds what it did. */
export function explainMismatch(error: unknown, pins: Pins | undefined): unknown {
  if (!pins || !hasCode(error, 'CONTENT_MISMATCH') || typeof error.data['url'] !== 'string') return error
  const { data, span } = error as SlipwayError
  const url = String(data['url'])
  return fail('LOCK_BROKEN', `${url} is no longer what it is locked to: ${error.message}`, {
    hint: `If that is as it should be, take it with --update-lock=${url}.`,
    data,
    cause: error,
    ...(span ? { span } : {}),
  })
}
