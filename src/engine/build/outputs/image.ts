import { type Job, runTask } from '../../../core/index.ts'
import { isIndexType } from '../../../oci/index.ts'
import type { Store, StoredImage } from '../../../store/index.ts'
import type { FinishedBuild } from '../finished.ts'
import { packBuild } from './pack.ts'

/** Makes the build an image of the store, under its names. */
export function exportToStore(store: Store, finished: FinishedBuild, job: Job): Promise<StoredImage> {
  return runTask(job, { id: 'export', name: 'exporting to image' }, async () => {
    const { root, images } = await packBuild(store, finished, job)
    const say = (name: string): Promise<void> =>
      runTask(job, { id: `export ${name}`, name, parent: 'export' }, async () => {})
    if (isIndexType(root.mediaType)) {
      for (const { descriptor } of images) await say(`exporting manifest ${descriptor.digest}`)
      await say(`exporting manifest list ${root.digest}`)
    }
    const image = store.images.put(root, finished.names)
    await say(`writing image ${image.id}`)
    for (const name of finished.names) await say(`naming to ${name}`)
    return image
  })
}
