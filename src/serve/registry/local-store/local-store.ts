import { familiarReference, parseReference } from '../../../oci/index.ts'
import type { Store } from '../../../store/index.ts'
import { claimFolder } from '../folder/claim.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import { folderLayout } from '../folder/layout.ts'
import { FolderUploads } from '../folder/uploads.ts'
import { Listeners } from '../listeners.ts'
import { isRepositoryName } from '../protocol/route.ts'
import type { Page, RegistryStorage } from '../storage.ts'
import { Contents } from './contents.ts'
import { RecentContent } from './recent.ts'
import { type LocalContext, LocalRepository } from './repository.ts'

/** The local store as what a registry keeps. */
export interface LocalStorage extends RegistryStorage {
  readonly database: RegistryDatabase
}

/**
 * Serves the images of this machine: what is pushed is an image of the store like any other, what is built or loaded can
 * be pulled. Uploads under way and the tables of the server's parts lie in `folder`, which must be on the store's file
 * system. What is pushed must be an image, or refer to one; what has no name is kept for an hour.
 */
export function openLocalStorage(store: Store, folder: string): LocalStorage {
  const layout = folderLayout(folder)
  const { db, release } = claimFolder(layout, [layout.uploads])
  const recent = new RecentContent(store)
  const context: LocalContext = { store, recent, contents: new Contents(store), listeners: new Listeners() }
  const repository = (name: string): LocalRepository => new LocalRepository(name, context)
  const names = (): string[] => [...new Set([...namesOf(store), ...recent.repositories()])].sort()
  return {
    database: db,
    repository,
    uploads: new FolderUploads(db, layout, async ({ path, digest, size }, name, options) => {
      options.check?.()
      repository(name).link({ digest, size }, options)
      store.blobs.adopt(path, digest, size, recent.lease)
      return { digest, size, path: store.blobs.path(digest) }
    }),
    listen: (listener) => context.listeners.add(listener),
    repositories: ({ last = '', limit }: Page) =>
      names()
        .filter((name) => name > last)
        .slice(0, limit),
    repositoriesWith: (digest, limit) =>
      names()
        .filter((name) => repository(name).blob(digest))
        .slice(0, limit),
    async [Symbol.asyncDispose]() {
      recent[Symbol.dispose]()
      await db.durable()
      release()
    },
  }
}

/**
 * Names of repositories, as a client would write them behind the server's name. There is no way to ask for what came
 * from a registry with a port, since `host:5000/app` is no name for a repository.
 */
function namesOf(store: Store): string[] {
  const names = store.images.list().flatMap((image) => image.names)
  return names
    .map((name) => {
      const { domain, path } = parseReference(name)
      return familiarReference({ domain, path })
    })
    .filter(isRepositoryName)
}
