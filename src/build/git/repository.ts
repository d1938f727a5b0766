import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fail, hasCode, type Job } from '../../core/index.ts'
import { type FileLock, lock } from '../../host/index.ts'
import type { BuildSession } from '../session.ts'
import { type GitAccess, openAccess } from './access.ts'
import { keptFolder } from './kept.ts'
import { git } from './program.ts'
import type { ResolvedGit } from './resolve.ts'
import { hostOf, withoutPassword } from './url.ts'

/** A bare repository in the store that keeps what was fetched of one remote; locked as long as it is held. */
export interface CachedRepository extends Disposable {
  readonly folder: string
}

const LARGEST = 16 * 2 ** 30

/** The repository of a remote, made when missing. Waits for other processes that work on it. */
export async function openCached(
  session: BuildSession,
  remote: string,
  commit: string,
  job: Job,
): Promise<CachedRepository> {
  const format = commit.length === 64 ? 'sha256' : 'sha1'
  const name = createHash('sha256')
    .update(`${format} ${withoutPassword(remote)}`)
    .digest('hex')
    .slice(0, 32)
  const parent = keptFolder(session.store.layout)
  const folder = path.join(parent, name)
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  const held = await lock(`${folder}.lock`, {}, job)
  try {
    if (existsSync(folder)) sweep(folder)
    else await create(folder, { format, remote }, job)
    writeFileSync(path.join(folder, 'used'), '')
    return { folder, [Symbol.dispose]: () => held.release() }
  } catch (error) {
    release(held)
    throw error
  }
}

const release = (held: FileLock): void => held.release()

async function create(folder: string, { format, remote }: { format: string; remote: string }, job: Job): Promise<void> {
  const unfinished = `${folder}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const args = ['init', '--bare', '--quiet', '--template=', `--object-format=${format}`, unfinished]
  await git(args, { repository: unfinished }, job)
  // all files of a commit are wanted, as they are: this file counts more than any attributes in it
  mkdirSync(path.join(unfinished, 'info'), { recursive: true })
  writeFileSync(path.join(unfinished, 'info/attributes'), '* -export-ignore -export-subst\n')
  writeFileSync(path.join(unfinished, 'description'), `${withoutPassword(remote)}\n`)
  renameSync(unfinished, folder)
}

/** What a process left that was killed while it fetched. */
function sweep(folder: string): void {
  const packs = path.join(folder, 'objects/pack')
  for (const name of existsSync(packs) ? readdirSync(packs) : []) {
    if (name.startsWith('tmp_')) rmSync(path.join(packs, name), { force: true })
  }
  const refs = path.join(folder, 'refs')
  const inRefs = readdirSync(refs, { recursive: true, encoding: 'utf8' }).map((name) => path.join('refs', name))
  for (const name of [...inRefs, ...readdirSync(folder)]) {
    if (name.endsWith('.lock')) rmSync(path.join(folder, name), { force: true })
  }
}

/** Whether a commit with all of its files is there: what was fetched whole has a ref of ours. */
export async function holdsCommit({ folder }: CachedRepository, commit: string, job: Job): Promise<boolean> {
  const refs = await git(['for-each-ref', '--format=%(refname)', keptRef(commit)], { repository: folder }, job)
  return refs.toString().trim() === keptRef(commit)
}

const keptRef = (commit: string): string => `refs/slipway/${commit}`

/**
 * Fetches a commit with its files: alone where the server can do that, else all that leads to it. Fails with
 * `GIT_FAILED`.
 */
export async function fetchCommit(
  repository: CachedRepository,
  { commit, object, ref }: ResolvedGit,
  access: GitAccess,
  task: string | undefined,
  job: Job,
): Promise<void> {
  const { folder } = repository
  const call = { ...access.call, repository: folder, onLine: meter(task, job) }
  const all = ['+refs/heads/*:refs/remote/heads/*', '+refs/tags/*:refs/remote/tags/*']
  const ways = [
    ['--depth=1', '--', access.address, `+${object}:refs/remote/fetched`],
    ...(ref ? [['--depth=1', '--', access.address, `+${ref}:refs/remote/fetched`]] : []),
    [...(existsSync(path.join(folder, 'shallow')) ? ['--unshallow'] : []), '--', access.address, ...all],
  ]
  const common = ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--force']
  let problem: unknown
  for (const way of ways) {
    try {
      await git([...common, ...way], call, job)
      // the ref may have moved on, and a server may send what it likes
      await git(
        ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{tree}`],
        { repository: folder },
        job,
      )
      await git(['update-ref', keptRef(commit), object], { repository: folder }, job)
      return
    } catch (error) {
      if (!hasCode(error, 'GIT_FAILED')) throw error
      problem ??= error
      if (!isRefused(error.message)) throw problem
    }
  }
  throw problem
}

/** Whether another way of fetching may work: the server cannot do this one, or no longer has this commit there. */
function isRefused(said: string): boolean {
  return /shallow|not our ref|unadvertised object|couldn't find remote ref|rev-parse|expected .* got/i.test(said)
}

const UNITS: Record<string, number> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** Reports the bytes that git says it received, and stops at a size that nobody means. */
function meter(task: string | undefined, job: Job): (line: string) => Error | undefined {
  return (line) => {
    const match = /^(?:Receiving|Unpacking) objects: +\d+% \(\d+\/\d+\), ([\d.]+) (bytes|KiB|MiB|GiB)/.exec(line)
    if (!match) return undefined
    const done = Math.round(Number(match[1]) * UNITS[match[2]!]!)
    if (task !== undefined) job.progress({ type: 'bytes', task, done })
    return done > LARGEST ? fail('GIT_REFUSED', `git fetch: more than ${LARGEST} bytes`) : undefined
  }
}

/** What a submodule is, and what it is part of. */
interface SubmoduleCopy {
  remote: string
  commit: string
  /** The remote of the repository that the build names: general secrets are for its host. */
  main: string
  task: string | undefined
}

/** The copy of a submodule's repository, with its commit in it. */
export async function fetchedCopy(session: BuildSession, about: SubmoduleCopy, job: Job): Promise<CachedRepository> {
  const { remote, commit, main, task } = about
  const copy = await openCached(session, remote, commit, job)
  try {
    if (await holdsCommit(copy, commit, job)) return copy
    const access = await openAccess(session, remote, hostOf(remote) === hostOf(main), job)
    await fetchCommit(copy, { commit, object: commit }, access, task, job)
    return copy
  } catch (error) {
    copy[Symbol.dispose]()
    throw error
  }
}
