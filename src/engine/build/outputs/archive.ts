import { fail, runTask } from '../../../core/index.ts'
import { type Descriptor, hostPlatform, type ImageTarget, isIndexType, matchesPlatform } from '../../../oci/index.ts'
import { openRepository, type Store } from '../../../store/index.ts'
import { copyImage, createOciLayout, saveFile, writeImageArchive } from '../../../transfer/index.ts'
import type { Exported, FinishedBuild, PackedImage } from '../finished.ts'
import { checkedTag } from '../tags.ts'
import { announce, type OutputTask } from './announce.ts'
import type { ArchiveOutput, Output } from './output.ts'
import { epochOf, packBuild } from './pack.ts'

const CREATED = 'org.opencontainers.image.created'

/** Writes the build into an archive, or into a folder of the same form. */
export function exportToArchive(
  store: Store,
  finished: FinishedBuild,
  output: ArchiveOutput,
  at: OutputTask,
): Promise<Exported> {
  const { task, job } = at
  const { type, dest } = output
  const names = output.names?.map(checkedTag) ?? finished.names
  const title = `exporting to ${type === 'oci' ? 'oci' : 'docker'} image format`
  return runTask(job, { id: task, name: title }, async () => {
    const { root: plain, images } = await packBuild(store, finished, { ...output, attach: type === 'oci' }, job)
    const root = described(plain, images, epochOf(finished, output))
    await announce({ root: plain, images }, at)
    const from = openRepository(store, finished.lease)
    const fill = async (target: ImageTarget): Promise<void> => {
      await copyImage(from, target, { ref: root.digest }, job)
      const unnamed = output.asFolder ? 'latest' : root.digest
      for (const name of names.length > 0 ? names : [unnamed]) await target.tag(name, root, job)
    }
    if (typeof dest !== 'string') await dest(writeImageArchive(type, fill, job))
    else if (output.asFolder) await fill(await createOciLayout(dest, job))
    else await saveFile(dest, writeImageArchive(type, fill, job), 0o644)
    return { id: imageId(images), root, images, names }
  })
}

/** Refuses what can be seen to fail before anything is built. Fails with `OUTPUT_INVALID`, in BuildKit's words. */
export function refuseLists(outputs: readonly Output[], { multiPlatform }: { multiPlatform: boolean }): void {
  if (!multiPlatform || !outputs.some(({ type }) => type === 'docker')) return
  const problem = 'docker exporter does not support exporting manifest lists, use the oci exporter instead'
  throw fail('OUTPUT_INVALID', problem)
}

/** What the archive's list says of the image beside its digest: when it was made, and what it is for. */
function described(root: Descriptor, images: readonly PackedImage[], epoch: number | undefined): Descriptor {
  const latest = images
    .map(({ config }) => config.created ?? '')
    .sort()
    .at(-1)
  const time = epoch === undefined ? latest : new Date(epoch * 1000).toISOString()
  const created = time ? { [CREATED]: time.replace(/\.\d+Z$/, 'Z') } : {}
  const annotations = { ...created, ...root.annotations }
  const { platform, ...rest } = root
  const onIndex = isIndexType(root.mediaType) || !platform
  return { ...rest, ...(Object.keys(annotations).length > 0 ? { annotations } : {}), ...(onIndex ? {} : { platform }) }
}

/** The id of the image that this machine runs, else of the first. */
export function imageId(images: readonly PackedImage[]): PackedImage['id'] {
  const host = hostPlatform()
  return (images.find(({ platform }) => matchesPlatform(host, platform)) ?? images[0]!).id
}
