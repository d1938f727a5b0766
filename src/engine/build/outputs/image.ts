import { type Job, runTask } from '../../../core/index.ts'
import { isIndexType } from '../../../oci/index.ts'
import type { Store } from '../../../store/index.ts'
import type { FinishedBuild } from '../finished.ts'
import { checkedTag } from '../tags.ts'
import type { Exported } from './index.ts'
import type { ImageOutput } from './output.ts'
import { packBuild } from './pack.ts'

/** Makes the build an image of the store, under its names. */
export function exportToStore(
  store: Store,
  finished: FinishedBuild,
  output: ImageOutput,
  { task, job }: { task: string; job: Job },
): Promise<Exported> {
  const names = output.names?.map(checkedTag) ?? finished.names
  return runTask(job, { id: task, name: 'exporting to image' }, async () => {
    const { root, images } = await packBuild(store, finished, output, job)
    const say = (name: string): Promise<void> =>
      runTask(job, { id: `${task} ${name}`, name, parent: task }, async () => {})
    if (isIndexType(root.mediaType)) {
      for (const { descriptor } of images) await say(`exporting manifest ${descriptor.digest}`)
      await say(`exporting manifest list ${root.digest}`)
    }
    const { mediaType, digest, size } = root
    const { id } = store.images.put({ mediaType, digest, size }, names)
    await say(`writing image ${id}`)
    for (const name of names) await say(`naming to ${name}`)
    return { id, root, images, names }
  })
}
