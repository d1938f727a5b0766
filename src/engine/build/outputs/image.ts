import { runTask } from '../../../core/index.ts'
import { type Descriptor, formatReference, isIndexType, parseReference } from '../../../oci/index.ts'
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
    if (output.push)
      await pushNames(store, finished, { root: { mediaType, digest, size }, names, how: output.push }, at)
    return { id, root, images, names }
  })
}

async function pushNames(
  store: Store,
  { lease, registries }: FinishedBuild,
  { root, names, how }: { root: Descriptor; names: readonly string[]; how: 'by-name' | 'by-digest' },
  at: OutputTask,
): Promise<void> {
  const [{ openRemote }, { sendImage }] = await registry()
  for (const name of names) {
    const { tag, ...repository } = parseReference(name)
    const reference = how === 'by-name' && tag !== undefined ? { ...repository, tag } : repository
    await using remote = openRemote({ store, registries }, repository, { access: 'push' })
    await sendImage(store, remote, { lease, root, reference, task: at.task }, at.job)
    await say(`pushing manifest for ${formatReference(reference)}@${root.digest}`, at)
  }
}

/** Loaded when it is used. */
const registry = () => Promise.all([import('../../registry/repository.ts'), import('../../registry/send.ts')])
