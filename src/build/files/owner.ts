import { ACCOUNT_FILE_LIMIT, type AccountFiles, resolveOwner } from '../../container/index.ts'
import { hasCode, type Job, toByteString } from '../../core/index.ts'
import type { FileTree } from '../../layer/index.ts'
import type { OpTask } from '../runner.ts'

/** Whose a file is. */
export interface Owner {
  uid: number
  gid: number
}

/**
 * The owner that `--chown=spec` means in a file system, and `USER spec` for a folder that WORKDIR makes. A user without
 * a group also gives its group, a number the group of the same number. As with BuildKit, names that the file system does
 * not know mean root (`unknown` is told of each), but on an empty one they are an error: `USER_UNKNOWN`.
 */
export function findOwner(spec: string, tree: FileTree, unknown: (name: string) => void): Owner {
  const [user = '', group] = spec.split(/:(.*)/s)
  const files = /^\d*(:\d*)?$/.test(spec) ? {} : readAccounts(tree)
  const isEmpty = tree.stat(ROOT) === undefined
  const find = (part: string, name: string): Owner => {
    if (name === 'root' && files.passwd === undefined) return { uid: 0, gid: 0 }
    try {
      return resolveOwner(part, files)
    } catch (error) {
      if (isEmpty || !hasCode(error, 'USER_UNKNOWN')) throw error
      unknown(name)
      return { uid: 0, gid: -1 }
    }
  }
  const owner = find(user, user)
  const gid = group ? find(`0:${group}`, group).gid : -1
  return { uid: owner.uid, gid: gid >= 0 ? gid : Math.max(owner.gid, 0) }
}

/** Docker says nothing when it takes root for a name that is missing; most likely the name is a mistake. */
export function warnUnknownOwner(name: string, { id, vertex }: OpTask, job: Job): void {
  const message = `the image has no user or group "${name}": the files belong to root, as with Docker`
  job.progress({
    type: 'warning',
    task: id,
    code: 'OWNER_UNKNOWN',
    message,
    ...(vertex.span ? { span: vertex.span } : {}),
  })
}

const ROOT = toByteString('')

/** The account files of a file system, for users and groups given by name. Symlinks are followed inside only. */
function readAccounts(tree: FileTree): AccountFiles {
  const read = (file: string): Uint8Array | undefined => tree.readFile(toByteString(file), ACCOUNT_FILE_LIMIT)
  return { passwd: read('etc/passwd'), group: read('etc/group') }
}
