import type { Job } from '../../core/index.ts'
import type { FileSource } from '../files/source.ts'
import type { BuildSession } from '../session.ts'
import { openAccess } from './access.ts'
import { type MainFiles, mainFiles, type WantedFiles, withPlaces } from './files.ts'
import { fetchCommit, holdsCommit, openCached } from './repository.ts'
import { type ResolvedGit, resolveGit } from './resolve.ts'
import type { GitReference } from './url.ts'

/** How the files of a repository are wanted, beside what its reference says. */
export interface GitOptions {
  /** Keep `.git`, as it would be after a shallow clone. The reference's own word counts when it has one. */
  keepGitDir?: boolean
  /** The task that progress belongs to. */
  task?: string
  /** Look-ups that were done already. */
  resolved?: ResolvedGit
}

/** The files of one commit. */
export interface GitSource {
  /** Full name of the commit. */
  commit: string
  files: FileSource
}

/**
 * The files that a git reference means now, submodules included: the ref is looked up at the remote, the commit is
 * fetched into the store's copy of the repository unless it is there, and its files are read from there. No working
 * tree is made, and nothing that the repository says is executed: no hooks, no filters, no settings. Owners are root,
 * modes 0644 and 0755, times those of the commit (with `mtime=checkout`: now). Fails with `GIT_FAILED`,
 * `GIT_URL_INVALID`, `GIT_REF_NOT_FOUND`, `CONTENT_MISMATCH`, and `PROGRAM_MISSING` where there is no git.
 */
export async function openGitSource(
  session: BuildSession,
  reference: GitReference,
  options: GitOptions,
  job: Job,
): Promise<GitSource> {
  const resolved = options.resolved ?? (await resolveGit(session, reference, job))
  const { commit } = resolved
  const { remote, subdir, mtime } = reference
  const { task } = options
  const keepGitDir = reference.keepGitDir ?? options.keepGitDir ?? false
  const withSubmodules = reference.submodules ?? true
  const wanted = { remote, resolved, subdir, mtime, keepGitDir, withSubmodules, task }
  const main = await fromCache(session, wanted, job)
  return { commit, files: await withPlaces(session, main, wanted, job) }
}

/** Locks one repository at a time: those of submodules may be the same, or be locked the other way round elsewhere. */
async function fromCache(session: BuildSession, wanted: WantedFiles, job: Job): Promise<MainFiles> {
  const { remote, resolved, task } = wanted
  using repository = await openCached(session, remote, resolved.commit, job)
  if (!(await holdsCommit(repository, resolved.commit, job))) {
    const access = resolved.access ?? (await openAccess(session, remote, true, job))
    await fetchCommit(repository, resolved, access, task, job)
  }
  return mainFiles(session, repository, wanted, job)
}

/** What names the files that a reference means, once it is resolved: equal keys, equal files. */
export function gitContentKey(reference: GitReference, { commit, ref }: ResolvedGit, keepGitDir: boolean): string {
  const keeps = reference.keepGitDir ?? keepGitDir
  const parts = [commit, reference.subdir ?? '', reference.submodules ?? true, keeps]
  // only then does it show in the files where they are from
  return JSON.stringify(keeps ? [...parts, reference.remote.replace(/\/\/[^/@]*@/, '//'), ref ?? ''] : parts)
}
