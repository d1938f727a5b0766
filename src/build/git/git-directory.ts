import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Job } from '../../core/index.ts'
import { toByteString } from '../../core/index.ts'
import { createLayerWriter, type LayerIndex, openLayer } from '../../layer/index.ts'
import type { BuildSession } from '../session.ts'
import type { WantedFiles } from './files.ts'
import { git } from './program.ts'
import type { CachedRepository } from './repository.ts'
import { withoutPassword } from './url.ts'

/**
 * A `.git` for the files of a commit, as after a shallow clone: one commit, its ref, where it is from, and an index, so
 * that `git status` has nothing to say. Nothing of the server's settings is in it, and no password.
 */
export async function gitDirectory(
  session: BuildSession,
  repository: CachedRepository,
  { remote, resolved }: Pick<WantedFiles, 'remote' | 'resolved'>,
  job: Job,
): Promise<LayerIndex> {
  const { commit, object, ref } = resolved
  const folder = path.join(session.lease.folder, `git-${session.newKey()}`)
  const made = path.join(folder, '.git')
  mkdirSync(folder, { mode: 0o700 })
  const call = { repository: made }
  const format = commit.length === 64 ? 'sha256' : 'sha1'
  await git(['init', '--quiet', '--template=', `--object-format=${format}`], call, job)
  // the one place where a local repository is read: ours
  const local = { ...call, environment: { GIT_ALLOW_PROTOCOL: 'file' } }
  const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-write-fetch-head', '--update-head-ok']
  await git([...fetch, '--', repository.folder, `+${keptAs(commit)}:refs/fetched`], local, job)
  await git(['update-ref', '--no-deref', 'HEAD', commit], call, job)
  if (ref) await git(['update-ref', ref, ref.startsWith('refs/tags/') ? object : commit], call, job)
  await git(['update-ref', '-d', 'refs/fetched'], call, job)
  await git(['read-tree', commit], call, job)
  await git(['config', 'remote.origin.url', withoutPassword(remote)], call, job)
  await git(['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'], call, job)
  for (const name of ['logs', 'FETCH_HEAD', 'ORIG_HEAD', 'hooks'])
    rmSync(path.join(made, name), { recursive: true, force: true })
  return asLayer(session, folder, job)
}

const keptAs = (commit: string): string => `refs/slipway/${commit}`

function asLayer(session: BuildSession, folder: string, job: Job): LayerIndex {
  const files = session.store.layers.temporary(session.lease)
  using writer = createLayerWriter(files, {}, job)
  const owner = { uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
  const todo = ['.git']
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    writer.directory(toByteString(at), { ...owner, mode: 0o755 })
    const names = readdirSync(path.join(folder, at)).sort()
    for (const name of names) {
      const file = path.join(folder, at, name)
      const stat = lstatSync(file)
      if (stat.isDirectory()) todo.push(`${at}/${name}`)
      else if (stat.isFile()) {
        writer.file(
          toByteString(`${at}/${name}`),
          { ...owner, mode: stat.mode & 0o200 ? 0o644 : 0o444 },
          { hostPath: file },
        )
      }
    }
  }
  writer.finish()
  const layer = openLayer(files.index, () => files.tar)
  rmSync(files.index)
  rmSync(folder, { recursive: true })
  return layer
}
