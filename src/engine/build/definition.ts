import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import { type BuildSession, bodyBytes, download, type FileSource, redactUrl } from '../../build/index.ts'
import {
  type Bytes,
  checkCanceled,
  collectBytes,
  fail,
  type Job,
  runTask,
  type SourceFile,
  toByteString,
} from '../../core/index.ts'
import { sourceOf } from '../../image/index.ts'
import { ARCHIVE_HEAD, isArchive, openArchive, peek } from './context/archive.ts'
import { BuildContexts } from './context/contexts.ts'
import { contextFolder, leadsOut, openFolder, readIgnoreFile, readText } from './context/folder.ts'
import type { Ignore } from './context/ignore.ts'
import { isHttpUrl, mainLocation, namedLocations } from './context/location.ts'
import type { ContextOptions, OpenContext } from './context/open-context.ts'
import { openRemote } from './context/remote.ts'
import type { Pins } from './lock/pins.ts'
import { lockedPins } from './lock/place.ts'
import type { BuildRequest } from './request.ts'

const LARGEST_DOCKERFILE = 16 << 20

/** What is built: the Dockerfile, and the contexts that it may take files from. */
export interface Definition {
  source: SourceFile
  /** Path of the Dockerfile on this machine; missing for one that came as text, by URL or in a remote context. */
  file?: string
  /** What progress calls the reading of the Dockerfile. */
  task: string
  contexts: BuildContexts
  /** What keeps files out of the main context. */
  ignore: Ignore | undefined
  /** What names and URLs stand for, in a locked build. */
  pins?: Pins
}

interface FoundDockerfile {
  file?: string
  source: SourceFile
}

/**
 * Finds the main context and reads the Dockerfile and `.dockerignore`. Named contexts are checked, and opened when they
 * are needed. Fails with `CONTEXT_MISSING`, `DOCKERFILE_MISSING`, `DOWNLOAD_FAILED` and the like.
 */
export async function loadDefinition(session: BuildSession, request: BuildRequest, job: Job): Promise<Definition> {
  const options: ContextOptions = { session, buildArgs: request.buildArgs ?? {} }
  const named = namedLocations(request.contexts)
  const dockerfile = request.image ? sourceOf(request.image, 'image') : request.dockerfile
  const open = await openMain(options, { context: request.context, dockerfile }, job)
  const { file, source } = await internal(job, READING, nameOf(request), (task) =>
    readDockerfile(options, open, { named: dockerfile, task }, job),
  )
  const { folder } = open
  const ignore =
    folder === undefined
      ? undefined
      : await internal(job, 'load', '.dockerignore', async () => readIgnoreFile(folder, file))
  const found = file === undefined ? {} : { file }
  const pins = request.locked ? lockedPins(found) : undefined
  const contexts = new BuildContexts({ ...options, pins }, { open, ignore }, named)
  return { source, task: taskName(READING, nameOf(request)), contexts, ignore, ...found, ...(pins ? { pins } : {}) }
}

/** The Dockerfile as messages name it. */
export function nameOf({ dockerfile = 'Dockerfile', image }: BuildRequest): string {
  if (image) return 'image'
  return typeof dockerfile === 'string' ? path.basename(redactUrl(dockerfile)) : dockerfile.name
}

const READING = 'load build definition from'
const taskName = (verb: string, what: string): string => `[internal] ${verb} ${what}`

/** Work that progress shows as `[internal] ...`. */
function internal<T>(job: Job, verb: string, what: string, work: (task: string) => Promise<T>): Promise<T> {
  const name = taskName(verb, what)
  return runTask(job, { id: name, name }, () => work(name))
}

const WHERE = 'in the build context'

/** What the user said of the context and of the Dockerfile. */
interface Given {
  context: BuildRequest['context']
  dockerfile: BuildRequest['dockerfile'] | undefined
}

async function openMain(options: ContextOptions, { context, dockerfile }: Given, job: Job): Promise<OpenContext> {
  if (typeof context !== 'string') {
    return internal(job, 'load', 'build context from standard input', (task) =>
      openStream(options, context, { task, dockerfile }, job),
    )
  }
  const location = mainLocation(context)
  if (location.kind === 'folder') return openFolder(options.session.store, contextFolder(location.folder), WHERE)
  const what = location.kind === 'git' ? 'git source' : 'remote build context'
  return internal(job, 'load', `${what} ${redactUrl(context)}`, (task) =>
    openRemote(options, location, { where: WHERE, task }, job),
  )
}

/** An archive, or a Dockerfile without any files. Fails with `USAGE_INVALID` when there are two Dockerfiles then. */
async function openStream(
  options: ContextOptions,
  bytes: Bytes,
  { task, dockerfile }: { task: string; dockerfile: Given['dockerfile'] },
  job: Job,
): Promise<OpenContext> {
  const { head, all } = await peek(bytes, ARCHIVE_HEAD)
  if (isArchive(head)) return openArchive(options.session, all, { where: WHERE, task }, job)
  if (dockerfile !== undefined) {
    throw fail('USAGE_INVALID', 'ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles', {
      hint: 'Leave out -f, or give an archive that holds the Dockerfile.',
    })
  }
  const text = (await collectBytes(all, LARGEST_DOCKERFILE, () => tooLarge('Dockerfile'))).toString()
  const folder = mkdtempSync(path.join(options.session.lease.folder, 'empty-'))
  const empty = openFolder(options.session.store, folder, `${WHERE}, which is empty: only a Dockerfile was given`)
  return { dockerfile: text, files: empty.files }
}

/** Where the Dockerfile was asked for, and the task that tells of it. */
interface Wanted {
  named: Given['dockerfile']
  task: string
}

async function readDockerfile(
  options: ContextOptions,
  open: OpenContext,
  { named, task }: Wanted,
  job: Job,
): Promise<FoundDockerfile> {
  if (typeof named === 'object') return { source: named }
  if (named !== undefined && isHttpUrl(named)) return { source: await fetchDockerfile(options, named, task, job) }
  if (open.dockerfile !== undefined) return { source: { name: 'Dockerfile', text: open.dockerfile } }
  if (open.folder !== undefined) return fromFolder(open.folder, named)
  // an absolute path cannot mean a file of a context that is elsewhere
  if (named !== undefined && path.isAbsolute(named)) return fromFolder(path.dirname(named), named)
  return fromFiles(open.files(), named, job)
}

async function fetchDockerfile(options: ContextOptions, url: string, task: string, job: Job): Promise<SourceFile> {
  const { digest, size } = await download(options.session, url, task, job)
  if (size > LARGEST_DOCKERFILE) throw tooLarge(redactUrl(url))
  return { name: redactUrl(url), text: options.session.store.blobs.readWhole(digest).toString() }
}

/**
 * The Dockerfile of a folder. One that is found there must lie in it: a symlink that leads out of it is only followed
 * when the user names the file.
 */
function fromFolder(folder: string, named: string | undefined): FoundDockerfile {
  const name = named ?? 'Dockerfile'
  for (const file of candidates(named === undefined ? path.join(folder, name) : path.resolve(named))) {
    if (named === undefined && leadsOut(folder, file)) {
      const problem = `${name} is a symbolic link that leads out of the build context`
      throw fail('DOCKERFILE_MISSING', `failed to read dockerfile: ${problem}`, {
        hint: 'name the file with -f if you want it',
      })
    }
    const text = readText(file, LARGEST_DOCKERFILE)
    if (text !== undefined) return { file, source: { name, text } }
  }
  throw missing(name)
}

/** The Dockerfile in a context that is no folder of the user's. */
async function fromFiles(files: FileSource, named: string | undefined, job: Job): Promise<FoundDockerfile> {
  const name = named ?? 'Dockerfile'
  for (const file of candidates(path.posix.normalize(`/${name}`))) {
    const entry = files.stat(files.resolve(toByteString(file)))
    if (entry?.kind !== 'file') continue
    if (entry.size > LARGEST_DOCKERFILE) throw tooLarge(name)
    const bytes = await collectBytes(bodyBytes(files.body(entry)), LARGEST_DOCKERFILE, () => tooLarge(name))
    checkCanceled(job)
    return { source: { name, text: bytes.toString() } }
  }
  throw missing(name)
}

/** BuildKit takes `dockerfile` for a `Dockerfile` that is not there. */
function candidates(file: string): string[] {
  const { dir, base } = path.parse(file)
  return base === 'Dockerfile' ? [file, path.join(dir, 'dockerfile')] : [file]
}

function missing(name: string): Error {
  return fail('DOCKERFILE_MISSING', `failed to read dockerfile: open ${name}: no such file or directory`, {
    hint: 'name another file with -f, or run the command where the Dockerfile is',
  })
}

function tooLarge(name: string): Error {
  return fail('FILE_TOO_LARGE', `${name} is larger than ${LARGEST_DOCKERFILE} bytes`)
}
