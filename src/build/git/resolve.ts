import { fail, type Job } from '../../core/index.ts'
import type { BuildSession } from '../session.ts'
import { type GitAccess, openAccess } from './access.ts'
import { git } from './program.ts'
import { type GitReference, isCommit, withoutPassword } from './url.ts'

/** A reference that was looked up: from here on nothing of it can change. */
export interface ResolvedGit {
  /** The commit's full name. */
  commit: string
  /** What the server has under the ref: the commit, or an annotated tag that leads to it. */
  object: string
  /** Full name of the ref, when there is one. */
  ref?: string
  /** How the remote is reached; made anew for a commit that needed no asking. */
  access?: GitAccess
}

/**
 * Asks the remote which commit a reference means now. A full commit name is taken as it is, without asking. Fails with
 * `GIT_REF_NOT_FOUND`, with `CONTENT_MISMATCH` when the commit is not the one of `checksum`, and as git does.
 */
export async function resolveGit(session: BuildSession, reference: GitReference, job: Job): Promise<ResolvedGit> {
  const { remote, checksum } = reference
  checkChecksum(checksum)
  if (reference.fetchByCommit && checksum === undefined) {
    throw fail('GIT_URL_INVALID', 'fetch-by-commit needs a checksum')
  }
  const wanted = reference.fetchByCommit && isCommit(checksum!) ? checksum! : (reference.ref ?? 'HEAD')
  if (isCommit(wanted)) return checked({ commit: wanted, object: wanted }, checksum)
  const access = await openAccess(session, remote, true, job)
  const found = select(await listRefs(access, wanted, job), wanted)
  if (!found) {
    throw fail('GIT_REF_NOT_FOUND', `repository does not contain ref ${wanted}: ${withoutPassword(remote)}`, {
      hint: 'A commit must be given by its full name, a branch or tag by its exact one.',
    })
  }
  return { ...checked(found, checksum), access }
}

async function listRefs(access: GitAccess, wanted: string, job: Job): Promise<Map<string, string>> {
  const patterns = wanted === 'HEAD' ? ['HEAD'] : [wanted, `${wanted}^{}`]
  // --symref: which branch HEAD is
  const said = await git(['ls-remote', '--symref', '--', access.address, ...patterns], access.call, job)
  const refs = new Map<string, string>()
  for (const line of said.toString('utf8').split('\n')) {
    const [value = '', name = ''] = line.split('\t')
    const symbolic = /^ref: (.*)$/.exec(value)?.[1]
    if (symbolic && name === 'HEAD') refs.set('symref', symbolic)
    else if (isCommit(value)) refs.set(name, value)
  }
  return refs
}

/** As `git checkout` does: branches before tags, and what an annotated tag leads to. */
function select(refs: ReadonlyMap<string, string>, wanted: string): ResolvedGit | undefined {
  if (wanted === 'HEAD') {
    const commit = refs.get('HEAD')
    const ref = refs.get('symref')
    return commit === undefined ? undefined : { commit, object: commit, ...(ref ? { ref } : {}) }
  }
  const names = ['refs/heads/', 'refs/tags/', 'refs/'].map(
    (prefix) => prefix + (wanted.startsWith(prefix) ? wanted.slice(prefix.length) : wanted),
  )
  const ref = names.find((name) => refs.has(name))
  if (ref === undefined) return undefined
  const object = refs.get(ref)!
  return { commit: refs.get(`${ref}^{}`) ?? object, object, ref }
}

function checkChecksum(checksum: string | undefined): void {
  if (checksum === undefined || /^[0-9a-f]{1,64}$/.test(checksum)) return
  throw fail('DIGEST_INVALID', `invalid checksum ${checksum} for Git URL, expected hex commit hash`, {
    hint: 'Write the name of the commit, or its first letters, in lower case.',
  })
}

function checked(found: ResolvedGit, checksum: string | undefined): ResolvedGit {
  if (checksum === undefined || found.commit.startsWith(checksum) || found.object.startsWith(checksum)) return found
  throw fail('CONTENT_MISMATCH', `expected checksum to match ${checksum}, got ${found.commit}`)
}
