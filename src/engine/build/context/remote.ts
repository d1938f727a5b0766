import { download, redactUrl, SingleFileSource } from '../../../build/index.ts'
import { collectBytes, fail, type Job } from '../../../core/index.ts'
import { ARCHIVE_HEAD, isArchive, openArchive } from './archive.ts'
import type { ContextOptions } from './contexts.ts'
import type { Location } from './location.ts'
import type { OpenContext } from './open-context.ts'

const LARGEST_DOCKERFILE = 16 << 20

/**
 * A context behind a URL: a git repository, an archive, or one text file, which is a Dockerfile for a main context.
 * Fails with `DOWNLOAD_FAILED` and what is wrong with an archive.
 */
export async function openRemote(
  options: ContextOptions,
  location: Extract<Location, { url: string }>,
  about: { where: string; task: string },
  job: Job,
): Promise<OpenContext> {
  if (location.kind === 'git') {
    throw fail(
      'BUILD_UNSUPPORTED',
      `git repositories as build contexts are not supported yet: ${redactUrl(location.url)}`,
    )
  }
  const { store } = options
  const { url } = location
  const file = await download(options, url, about.task, job)
  const tooLarge = (): Error =>
    fail('FILE_TOO_LARGE', `${redactUrl(url)} is no archive, and too large for a Dockerfile`)
  const head = store.blobs.read(file.digest, { start: 0, end: ARCHIVE_HEAD }, job)
  if (isArchive(await collectBytes(head, ARCHIVE_HEAD, tooLarge))) {
    const open = await openArchive(options, store.blobs.read(file.digest, undefined, job), about, job)
    return open
  }
  const bytes = await collectBytes(store.blobs.read(file.digest, undefined, job), LARGEST_DOCKERFILE, tooLarge)
  const { digest, size, time } = file
  const single = new SingleFileSource({ name: 'context', mode: 0o600, time, size, digest, body: { bytes } })
  return { dockerfile: bytes.toString(), files: () => single, ...(time === 0 ? {} : { time: () => time }) }
}
