import { ACCOUNT_FILE_LIMIT, type AccountFiles } from '../../container/index.ts'
import { toByteString } from '../../core/index.ts'
import type { FileTree } from '../../layer/index.ts'

/** The account files of a file system, for users and groups given by name. Symlinks are followed inside only. */
export function readAccounts(tree: FileTree): AccountFiles {
  const read = (file: string): Uint8Array | undefined => tree.readFile(toByteString(file), ACCOUNT_FILE_LIMIT)
  return { passwd: read('etc/passwd'), group: read('etc/group') }
}
