import { type ByteString, checkCanceled, createPacer, fromByteString, type Job, messageOf } from '../core/index.ts'
import { apk } from './apk.ts'
import type { Cataloger } from './cataloger.ts'
import { dpkg } from './dpkg.ts'
import { FileReader, type Files } from './files.ts'
import { npm } from './npm.ts'
import { readOsRelease } from './os-release.ts'
import type { Distribution, Package } from './package.ts'
import { python } from './python.ts'

/** What was found in an image. */
export interface Scan {
  readonly distribution?: Distribution
  /** By package URL, each once. */
  readonly packages: readonly Package[]
  /** What could not be read, and why. */
  readonly problems: readonly string[]
}

/** In the order in which they are asked. */
const CATALOGERS: readonly Cataloger[] = [dpkg, apk, npm, python]

const MOST_PACKAGES = 50_000
const MOST_PROBLEMS = 100

/**
 * Finds the packages in a tree of files; nothing is mounted or run. Files that are too large or damaged become problems.
 * Fails with `CANCELED`, and with what reading the tree itself fails with.
 */
export async function scanFiles(files: Files, job: Job): Promise<Scan> {
  const problems: string[] = []
  const problem = (path: ByteString, why: unknown): void => {
    if (problems.length < MOST_PROBLEMS) problems.push(`${fromByteString(path)}: ${messageOf(why)}`)
  }
  const reader = new FileReader(files, problem)
  const distribution = readOsRelease(reader)
  const packages = new Map<string, Package>()
  const pace = createPacer()
  for (const { path, kind } of files.walk()) {
    const pause = pace()
    if (pause) await pause
    checkCanceled(job)
    if (kind !== 'file') continue
    const cataloger = CATALOGERS.find((each) => each.wants(path))
    if (!cataloger) continue
    for (const found of cataloger.read(path, reader, distribution)) {
      if (!packages.has(found.purl) && packages.size < MOST_PACKAGES) packages.set(found.purl, found)
    }
  }
  const sorted = [...packages.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1))
  if (packages.size === MOST_PACKAGES) problems.push(`more than ${MOST_PACKAGES} packages: the rest is left out`)
  return { ...(distribution ? { distribution } : {}), packages: sorted, problems }
}
