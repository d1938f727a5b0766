import { Reserve } from '../host/index.ts'
import { BlobPlaces } from './blob-places.ts'
import { BlobStore } from './blobs.ts'
import { BuildRecords } from './build-records.ts'
import { CacheMountStore } from './cache-mounts.ts'
import { type Collected, collect } from './collect.ts'
import { ContainerStore } from './containers.ts'
import { Database } from './database.ts'
import { ImageStore } from './images.ts'
import { LayerStore } from './layers.ts'
import { createFolders, defaultRoot, layoutAt, type StoreLayout } from './layout.ts'
import { Lease } from './leases.ts'
import { MemoStore } from './memos.ts'
import { ReferrerStore } from './referrers.ts'
import type { Snapshotter } from './snapshots.ts'
import { createDirectorySnapshotter } from './snapshots-directory.ts'
import { createErofsSnapshotter } from './snapshots-erofs.ts'
import { StepStore } from './steps.ts'
import { TRANSFER_AGE, TransferStore } from './transfers.ts'
import { UploadStore } from './uploads.ts'

/** What is on this disk. Several processes may have the same store open; disposing one does not touch the others. */
export interface Store extends Disposable {
  readonly layout: StoreLayout
  readonly blobs: BlobStore
  readonly layers: LayerStore
  readonly images: ImageStore
  readonly steps: StepStore
  readonly cacheMounts: CacheMountStore
  readonly containers: ContainerStore
  readonly memos: MemoStore
  readonly buildRecords: BuildRecords
  readonly referrers: ReferrerStore
  readonly transfers: TransferStore
  readonly uploads: UploadStore
  readonly places: BlobPlaces
  /** Starts protecting what a piece of work needs; dispose it when done. */
  lease(): Lease
  /** Nobody else changes the store while `work` looks at it and changes it; all or nothing. Must not be asynchronous. */
  atomically<T>(work: () => T): T
  /** Deletes what nothing refers to. */
  collect(): Collected
  snapshotter(kind: Snapshotter['kind']): Snapshotter
}

/** Opens the store in `root`, making it when it is not there. Fails with `STORE_UNUSABLE` or `STORE_TOO_NEW`. */
export function openStore(root: string = defaultRoot()): Store {
  const layout = layoutAt(root)
  createFolders(layout)
  const reserve = new Reserve(layout.reserve)
  const db = new Database(layout.database, reserve)
  const blobs = new BlobStore(layout, db)
  const layers = new LayerStore(layout, db, blobs)
  const transfers = new TransferStore(layout)
  const uploads = new UploadStore(db, layout)
  const lease = (): Lease => new Lease(db, layout)
  const snapshotters = {
    erofs: () => createErofsSnapshotter(layout, layers),
    directory: () =>
      createDirectorySnapshotter(layout, layers, {
        whiteouts: process.getuid?.() === 0 ? 'overlay-trusted' : 'overlay-user',
        newLease: lease,
      }),
  }
  return {
    layout,
    blobs,
    layers,
    images: new ImageStore(db, layout, { blobs, layers }),
    steps: new StepStore(db),
    cacheMounts: new CacheMountStore(db, layout),
    containers: new ContainerStore(db),
    memos: new MemoStore(db),
    buildRecords: new BuildRecords(db, layout),
    referrers: new ReferrerStore(db),
    transfers,
    uploads,
    places: new BlobPlaces(db),
    lease,
    atomically: (work) => db.durably(work),
    collect() {
      const collected = collect(db, layout)
      const bytes = collected.bytes + transfers.sweep()
      uploads.forgetOlder(TRANSFER_AGE)
      reserve.keep()
      return { ...collected, bytes }
    },
    snapshotter: (kind) => snapshotters[kind](),
    [Symbol.dispose]: () => db.close(),
  }
}
