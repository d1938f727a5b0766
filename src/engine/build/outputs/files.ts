import path from 'node:path'
import { type ExportedTree, treeEntries, writeFolder } from '../../../build/index.ts'
import { type ByteString, fail, type Job, runTask } from '../../../core/index.ts'
import { openFileTree, writeTar } from '../../../layer/index.ts'
import { formatPlatform } from '../../../oci/index.ts'
import type { Store } from '../../../store/index.ts'
import { saveFile } from '../../../transfer/index.ts'
import type { FinishedBuild } from '../finished.ts'
import type { FolderOutput, TarOutput } from './output.ts'
import { epochOf } from './pack.ts'

/** Writes the files of the build into a folder of this machine. */
export function exportToFolder(
  store: Store,
  finished: FinishedBuild,
  output: FolderOutput,
  { task, job }: { task: string; job: Job },
): Promise<void> {
  return runTask(job, { id: task, name: 'exporting to client directory' }, async () => {
    const trees = await treesOf(store, finished, output, job)
    await writeFolder(trees, { folder: output.dest, mode: output.mode ?? 'copy' }, job)
  })
}

/** Writes the files of the build into a tar. */
export function exportToTar(
  store: Store,
  finished: FinishedBuild,
  output: TarOutput,
  { task, job }: { task: string; job: Job },
): Promise<void> {
  return runTask(job, { id: task, name: 'exporting to client tarball' }, async () => {
    const { dest } = output
    const bytes = writeTar(treeEntries(await treesOf(store, finished, output, job), job), job)
    if (typeof dest === 'string') await saveFile(dest, bytes, 0o644)
    else await dest(bytes)
  })
}

async function treesOf(
  store: Store,
  finished: FinishedBuild,
  output: FolderOutput | TarOutput,
  job: Job,
): Promise<ExportedTree[]> {
  const { multiPlatform, built, attachments } = finished
  const split = output.platformSplit ?? multiPlatform
  const epoch = epochOf(finished, output)
  const trees: (ExportedTree & { platform: string })[] = []
  for (const one of built) {
    const platform = formatPlatform(one.platform)
    const diffIds = one.layers.map(({ diffId }) => diffId)
    const tree = diffIds.length > 0 ? await store.layers.tree(diffIds, job) : openFileTree([])
    const folder = platform.replaceAll('/', '_')
    const files = (await attachments?.files(one, job)) ?? []
    const attached = files.map(({ name, bytes }) => ({
      // without folders of their own, the platform is part of the name
      name: `${output.attestationPrefix ?? ''}${multiPlatform && !split ? marked(name, folder) : name}`,
      bytes,
    }))
    trees.push({ prefix: split ? folder : '', tree, attached, epoch, platform })
  }
  if (!split && trees.length > 1) refuseConflicts(trees)
  return trees
}

/** `provenance.json` as `provenance.linux_amd64.json`. */
function marked(name: string, platform: string): string {
  const { name: stem, ext } = path.parse(name)
  return `${stem}.${platform}${ext}`
}

/** In BuildKit's words. */
function refuseConflicts(trees: readonly (ExportedTree & { platform: string })[]): void {
  const owners = new Map<ByteString, string>()
  for (const { tree, platform } of trees) {
    for (const { path, kind } of tree.walk()) {
      if (kind === 'directory') continue
      const other = owners.get(path)
      if (other !== undefined) {
        const message = `cannot overwrite ${path} from ${other} with ${platform} when split option is disabled`
        throw fail('EXPORT_CONFLICT', message, { hint: 'Leave out platform-split=false.' })
      }
      owners.set(path, platform)
    }
  }
}
