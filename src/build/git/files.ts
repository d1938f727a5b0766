import { rmSync } from 'node:fs'
import path from 'node:path'
import { type ByteString, type Bytes, byteStringFromBuffer, fail, fromByteString, type Job } from '../../core/index.ts'
import { indexLayer, type LayerIndex, openFileTree, openLayer } from '../../layer/index.ts'
import type { FileSource } from '../files/source.ts'
import { TreeSource } from '../files/tree-source.ts'
import type { BuildSession } from '../session.ts'
import { gitDirectory } from './git-directory.ts'
import { git, gitStream } from './program.ts'
import { type CachedRepository, fetchedCopy } from './repository.ts'
import type { ResolvedGit } from './resolve.ts'
import { type Submodule, submodulesOf } from './submodules.ts'
import { withoutPassword } from './url.ts'

/** Which files of a repository. */
export interface WantedFiles {
  remote: string
  resolved: ResolvedGit
  subdir: string | undefined
  mtime: 'checkout' | 'commit' | undefined
  keepGitDir: boolean
  withSubmodules: boolean
  task: string | undefined
}

const LARGEST = 16 * 2 ** 30
const MOST_SUBMODULES = 200
const DEEPEST = 8

/** The files of a commit, but for those of submodules. */
export interface MainFiles {
  layers: LayerIndex[]
  submodules: Submodule[]
  /** Unix seconds. */
  time: number
}

/** Reads what a repository has itself: its files, `.git` when it is wanted, and what else belongs to it. */
export async function mainFiles(
  session: BuildSession,
  repository: CachedRepository,
  wanted: WantedFiles,
  job: Job,
): Promise<MainFiles> {
  const { commit } = wanted.resolved
  const subdir = path.posix.normalize(`/${wanted.subdir ?? ''}`).replace(/^\/|\/$/g, '')
  const part = { commit, subdir, prefix: '' } as const
  const layers = [await layerOf(session, repository, part, job)]
  if (wanted.keepGitDir && subdir === '') layers.push(await gitDirectory(session, repository, wanted, job))
  const submodules = wanted.withSubmodules
    ? await submodulesOf(repository.folder, { ...part, url: wanted.remote }, job)
    : []
  const time = wanted.mtime === 'checkout' ? Math.floor(Date.now() / 1000) : await timeOf(repository, commit, job)
  return { layers, submodules, time }
}

/** Puts submodules in their places, and theirs in theirs: all as one tree. */
export async function withPlaces(
  session: BuildSession,
  main: MainFiles,
  { remote, resolved, task }: WantedFiles,
  job: Job,
): Promise<FileSource> {
  const layers = [...main.layers]
  const todo = main.submodules.map((submodule) => ({ ...submodule, depth: 1 }))
  for (let at = todo.shift(), count = 1; at !== undefined; at = todo.shift(), count++) {
    if (count > MOST_SUBMODULES) throw fail('GIT_REFUSED', `more than ${MOST_SUBMODULES} submodules`)
    const { commit, url, path: prefix, depth } = at
    using copy = await fetchedCopy(session, { remote: url, commit, main: remote, task }, job)
    const part = { commit, subdir: '', prefix }
    layers.push(await layerOf(session, copy, part, job))
    const found = await submodulesOf(copy.folder, { ...part, url }, job)
    if (found.length > 0 && depth === DEEPEST) throw fail('GIT_REFUSED', `submodules more than ${DEEPEST} deep`)
    todo.push(...found.map((submodule) => ({ ...submodule, depth: depth + 1 })))
  }
  const where = `in ${withoutPassword(remote)} at ${resolved.commit.slice(0, 12)}`
  return new GitFiles(openFileTree(layers), main.time, where)
}

/** A folder of a commit, and where it goes. */
export interface Part {
  commit: string
  /** Empty for all of it. */
  subdir: string
  prefix: ByteString | ''
}

async function layerOf(session: BuildSession, { folder }: CachedRepository, part: Part, job: Job): Promise<LayerIndex> {
  const { commit, subdir, prefix } = part
  await checkNames(folder, part, job)
  const at = prefix === '' ? [] : [`--prefix=${fromByteString(prefix)}/`]
  // a tree can be asked for by its path without following symlinks; `archive` reads paths after `--` as patterns
  const args = ['archive', '--format=tar', ...at, '--end-of-options', `${commit}:${subdir}`]
  const bytes = bounded(gitStream(args, { repository: folder, settings: [['core.attributesFile', '/dev/null']] }, job))
  return storeLayer(session, bytes, job)
}

/** Keeps an archive with its index as long as the build lasts. */
async function storeLayer(session: BuildSession, bytes: Bytes, job: Job): Promise<LayerIndex> {
  const files = session.store.layers.temporary(session.lease)
  const written = await session.store.blobs.writeTemporary(bytes, session.lease, job)
  await indexLayer(written.path, files.index, { whiteouts: false, parent: openFileTree([]) }, job)
  const layer = openLayer(files.index, () => written.path)
  rmSync(files.index)
  return layer
}

async function* bounded(bytes: Bytes): Bytes {
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > LARGEST) throw fail('GIT_REFUSED', `the files of a commit have more than ${LARGEST} bytes`)
    yield chunk
  }
}

/** Refuses what git itself would not check out, and a folder that is not there. */
async function checkNames(repository: string, { commit, subdir }: Part, job: Job): Promise<void> {
  const type = await git(['cat-file', '-t', '--end-of-options', `${commit}:${subdir}`], { repository }, job).catch(
    () => '',
  )
  if (type.toString().trim() !== 'tree') {
    throw fail('GIT_REF_NOT_FOUND', `invalid subdir /${subdir}: no such folder in commit ${commit.slice(0, 12)}`)
  }
  const args = ['ls-tree', '-r', '-t', '-z', '--name-only', '--full-tree', '--end-of-options', `${commit}:${subdir}`]
  for await (const name of records(gitStream(args, { repository }, job))) {
    if (!/(^|\/)\.git(\/|$)/i.test(name)) continue
    throw fail('GIT_REFUSED', `invalid path "${fromByteString(name)}" in commit ${commit.slice(0, 12)}`)
  }
}

const LONGEST_RECORD = 1 << 20

/** Splits at the zero bytes that git puts between records. */
export async function* records(bytes: Bytes): AsyncGenerator<ByteString> {
  let rest = ''
  for await (const chunk of bytes) {
    const all = (rest + byteStringFromBuffer(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))).split('\0')
    rest = all.pop()!
    if (rest.length > LONGEST_RECORD) throw fail('GIT_REFUSED', 'a path in the repository is too long')
    for (const record of all) yield record as ByteString
  }
}

async function timeOf({ folder }: CachedRepository, commit: string, job: Job): Promise<number> {
  const said = await git(['log', '-1', '--format=%ct', '--end-of-options', commit], { repository: folder }, job)
  return Math.max(0, Number(said.toString().trim()) || 0)
}

/** A tree whose entries all have one time. */
class GitFiles extends TreeSource {
  readonly #time: number

  constructor(tree: ConstructorParameters<typeof TreeSource>[0], time: number, where: string) {
    super(tree, where)
    this.#time = time
  }

  override stat(path: ByteString): ReturnType<TreeSource['stat']> {
    const entry = super.stat(path)
    return entry && { ...entry, mtime: { seconds: this.#time, nanoseconds: 0 } }
  }

  override list(path: ByteString): ReturnType<TreeSource['list']> {
    return super.list(path).map((entry) => ({ ...entry, mtime: { seconds: this.#time, nanoseconds: 0 } }))
  }
}
