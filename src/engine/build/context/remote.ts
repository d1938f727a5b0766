import { download, type FileSource, openGitSource, redactUrl, SingleFileSource } from '../../../build/index.ts'
import { collectBytes, fail, type Job, parseGoBool, toByteString } from '../../../core/index.ts'
import { ARCHIVE_HEAD, isArchive, openArchive } from './archive.ts'
import type { FilesLocation } from './location.ts'
import type { ContextOptions, OpenContext } from './open-context.ts'

const LARGEST_DOCKERFILE = 16 << 20

/** A place that a context is fetched from. */
export type RemoteLocation = Exclude<FilesLocation, { kind: 'folder' }>

/**
 * A context behind a URL: a git repository, an archive, or one text file, which is a Dockerfile for a main context.
 * Fails with `DOWNLOAD_FAILED`, `GIT_FAILED` and the like, and with what is wrong with an archive.
 */
export async function openRemote(
  options: ContextOptions,
  location: RemoteLocation,
  about: { where: string; task: string },
  job: Job,
): Promise<OpenContext> {
  return location.kind === 'git'
    ? openGit(options, location, about, job)
    : openDownload(options, location.url, about, job)
}

async function openGit(
  { session, buildArgs, pins }: ContextOptions,
  { url, reference }: Extract<RemoteLocation, { kind: 'git' }>,
  { task }: { task: string },
  job: Job,
): Promise<OpenContext> {
  const keepGitDir = parseGoBool(buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '') === true
  const pin = pins?.git(url)
  const resolved = pin === undefined ? {} : { resolved: { commit: pin, object: pin } }
  const { commit, files } = await openGitSource(session, reference, { keepGitDir, task, ...resolved }, job)
  job.progress({ type: 'status', task, text: commit })
  return { files: () => files, time: () => gitTime(files) }
}

/** The time of a commit, which all of its files have. */
export const gitTime = (files: FileSource): number => files.stat(toByteString(''))?.mtime.seconds ?? 0

async function openDownload(
  { session, pins }: ContextOptions,
  url: string,
  about: { where: string; task: string },
  job: Job,
): Promise<OpenContext> {
  const { blobs } = session.store
  const file = await download(session, url, about.task, job)
  const pin = pins?.http(url)
  if (pin !== undefined && pin !== file.digest) {
    const shown = redactUrl(url)
    throw fail('CONTENT_MISMATCH', `digest mismatch ${file.digest}: ${pin} for ${shown}`, { data: { url: shown } })
  }
  const tooLarge = (): Error =>
    fail('FILE_TOO_LARGE', `${redactUrl(url)} is no archive, and too large for a Dockerfile`)
  const head = blobs.read(file.digest, { start: 0, end: ARCHIVE_HEAD }, job)
  if (isArchive(await collectBytes(head, ARCHIVE_HEAD, tooLarge))) {
    return openArchive(session, blobs.read(file.digest, undefined, job), about, job)
  }
  const bytes = await collectBytes(blobs.read(file.digest, undefined, job), LARGEST_DOCKERFILE, tooLarge)
  const { digest, size, time } = file
  const single = new SingleFileSource({ name: 'context', mode: 0o600, time, size, digest, body: { bytes } })
  return { dockerfile: bytes.toString(), files: () => single, ...(time === 0 ? {} : { time: () => time }) }
}
