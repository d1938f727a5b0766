import { runTask } from '../../../core/index.ts'
import { isIndexType } from '../../../oci/index.ts'
import type { Store } from '../../../store/index.ts'
import type { Exported, FinishedBuild } from '../finished.ts'
import { checkedTag } from '../tags.ts'
import { announce, type OutputTask, say } from './announce.ts'
import type { ImageOutput } from './output.ts'
import { packBuild } from './pack.ts'

/** Makes the build an image of the store, under its names. */
export function exportToStore(
  store: Store,
  finished: FinishedBuild,
  output: ImageOutput,
  at: OutputTask,
): Promise<Exported> {
  const { task, job } = at
  const names = output.names?.map(checkedTag) ?? finished.names
  return runTask(job, { id: task, name: 'exporting to image' }, async () => {
    const { root, images } = await packBuild(store, finished, output, job)
    if (isIndexType(root.mediaType)) await announce({ root, images }, at)
    const { mediaType, digest, size } = root
    const { id } = store.images.put({ mediaType, digest, size }, names)
    await say(`writing image ${id}`, at)
    for (const name of names) await say(`naming to ${name}`, at)
    return { id, root, images, names }
  })
}
