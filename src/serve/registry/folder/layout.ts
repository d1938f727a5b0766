import path from 'node:path'
import { type Digest, digestAlgorithm, digestHex } from '../../../core/index.ts'

/** Where things lie in a registry's folder. */
export interface FolderLayout {
  readonly root: string
  readonly database: string
  /** Locked by the one server that may use the folder. */
  readonly lock: string
  readonly blobs: string
  readonly uploads: string
  blob(digest: Digest): string
  upload(id: string): string
}

/** The layout of the folder `root`. */
export function folderLayout(root: string): FolderLayout {
  const blobs = path.join(root, 'blobs')
  const uploads = path.join(root, 'uploads')
  return {
    root,
    blobs,
    uploads,
    database: path.join(root, 'registry.db'),
    lock: path.join(root, 'lock'),
    blob: (digest) => {
      const hex = digestHex(digest)
      return `${blobs}/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}`
    },
    upload: (id) => path.join(uploads, id),
  }
}
