import type { Job } from '../../../core/index.ts'
import type { Store } from '../../../store/index.ts'
import type { Exported, FinishedBuild } from '../finished.ts'
import type { OutputTask } from './announce.ts'
import { exportToArchive, imageId } from './archive.ts'
import { exportToFolder, exportToTar } from './files.ts'
import { exportToStore } from './image.ts'
import type { Output } from './output.ts'
import { packBuild } from './pack.ts'

/** What became of a build: the image, and whether an output has it. */
export interface ExportResult extends Exported {
  written: boolean
}

/** Makes all outputs, one after another. Of several images the last one is what the build is known by. */
export async function exportAll(
  store: Store,
  finished: FinishedBuild,
  outputs: readonly Output[],
  job: Job,
): Promise<ExportResult> {
  let result: Exported | undefined
  for (const [at, output] of outputs.entries()) {
    const task = { task: at === 0 ? 'export' : `export ${at + 1}`, job }
    result = (await exportOne(store, finished, output, task)) ?? result
  }
  if (result) return { ...result, written: true }
  const { root, images } = await packBuild(store, finished, { attach: false }, job)
  return { id: imageId(images), root, images, names: finished.names, written: false }
}

async function exportOne(
  store: Store,
  finished: FinishedBuild,
  output: Output,
  task: OutputTask,
): Promise<Exported | undefined> {
  switch (output.type) {
    case 'image':
      return exportToStore(store, finished, output, task)
    case 'oci':
    case 'docker':
      return exportToArchive(store, finished, output, task)
    case 'local':
      await exportToFolder(store, finished, output, task)
      return undefined
    case 'tar':
      await exportToTar(store, finished, output, task)
      return undefined
    case 'cacheonly':
      return undefined
  }
}
