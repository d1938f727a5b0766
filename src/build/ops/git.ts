import { gitContentKey, openGitSource, parseGitUrl, resolveGit } from '../git/index.ts'
import type { OpRunner } from '../runner.ts'
import type { BuildSession } from '../session.ts'

/** ADD of a git repository: the files of one commit. */
export interface GitOp {
  kind: 'git'
  url: string
  /** First letters of the commit's name, null when not given. */
  checksum: string | null
  keepGitDir: boolean
  /** The commit that it must be, whatever the URL means now. */
  commit?: string
}

/** Looks up which commit is meant now. The files are fetched when a copy needs them, under its task. */
export function gitRunner(session: BuildSession): OpRunner<GitOp> {
  return {
    kind: 'git',
    operation: () => undefined,
    content: async () => null,
    async run(op, _inputs, { id }, job) {
      const { keepGitDir, checksum, commit } = op
      const written = { ...parseGitUrl(op.url)!, ...(checksum === null ? {} : { checksum }) }
      const reference = commit === undefined ? written : { ...written, checksum: commit, fetchByCommit: true }
      const resolved = await resolveGit(session, reference, job)
      job.progress({ type: 'status', task: id, text: resolved.commit })
      return {
        kind: 'remote',
        key: gitContentKey(reference, resolved, keepGitDir),
        open: async (task, openJob) =>
          (await openGitSource(session, reference, { keepGitDir, task, resolved }, openJob)).files,
      }
    },
  }
}
