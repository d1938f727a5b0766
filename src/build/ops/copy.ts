import { checkCanceled, createPacer, fail, type Job, toByteString } from '../../core/index.ts'
import type { FileTree, LayerWriter } from '../../layer/index.ts'
import { unpackArchives } from '../files/archive.ts'
import { digestSelection } from '../files/digest.ts'
import { createExclusion } from '../files/exclude.ts'
import { parseModeChange } from '../files/mode.ts'
import { findOwner, warnUnknownOwner } from '../files/owner.ts'
import { type PlacementOptions, planPlacement } from '../files/place.ts'
import type { Planned } from '../files/planned-tree.ts'
import { type Selected, selectEntry, selectFiles } from '../files/select.ts'
import { selectWithParents } from '../files/select-parents.ts'
import { SingleFileSource } from '../files/single-file-source.ts'
import type { FileSource } from '../files/source.ts'
import { TreeSource } from '../files/tree-source.ts'
import { writeLayer } from '../layers/write-layer.ts'
import type { OpRunner, OpTask } from '../runner.ts'
import type { BuildSession } from '../session.ts'
import { baseLayers, contentKey, diffIdsOf, type RemoteFiles, type Value } from '../values.ts'

/** COPY and ADD: files of the inputs, placed on top of the first input. */
export interface CopyOp {
  kind: 'copy'
  sources: readonly CopySource[]
  /** Absolute and clean; ends with a slash when the user wrote it so, or named several sources. */
  dest: string
  /** `--chown`, as written. */
  owner: string | null
  /** `--chmod`, as written. */
  mode: string | null
  /** Which archives are unpacked: of local files, and of downloads. */
  unpack: { local: boolean; downloads: boolean }
  /** `--exclude`, as written. */
  excludes: readonly string[]
  /** Whether folders on the way to a source stay. */
  parents: boolean
  /** Unix seconds for folders that are made on the way, and for here-documents. Times are not part of the key. */
  time: number
}

/** What is copied: paths of an input, a download, all of a repository, or a file that is written in the Dockerfile. */
export type CopySource =
  | { readonly input: number; readonly paths: readonly string[] }
  | { readonly download: number }
  | { readonly remote: number }
  | { readonly name: string; readonly text: string }

const ROOT = toByteString('')

/** COPY becomes a layer here: selected from the sources, placed over the parent's tree, written as a tar in one go. */
export function copyRunner(session: BuildSession): OpRunner<CopyOp> {
  return {
    kind: 'copy',
    operation: ({ time: _, ...op }) => ({ ...op, sources: op.sources.map((source) => ({ ...source })) }),
    async content(op, inputs, job) {
      const files = await digestSelection(await select(session, op, inputs), session.fileLists, job)
      const remote = op.sources.flatMap((source) => ('remote' in source ? remoteAt(inputs, source.remote).key : []))
      return { base: await contentKey(baseLayers(inputs)), files, ...(remote.length === 0 ? {} : { remote }) }
    },
    remembered: (content) => session.fileLists.keep(content),
    async run(op, inputs, task, job) {
      const base = baseLayers(inputs)
      const parent = await session.store.layers.tree(await diffIdsOf(base), job)
      const named = await select(session, op, inputs, (source) => source.open(task.id, job))
      const wanted = (selected: Selected): boolean => (selected.fetched ? op.unpack.downloads : op.unpack.local)
      const selection = await unpackArchives(named, wanted, { session, parent, dest: op.dest }, job)
      const planned = planPlacement(selection, parent, placementOf(op, parent, task, job))
      const layer = await writeLayer(session, (writer) => writePlanned(writer, planned, job), job)
      return { kind: 'layers', layers: [...base, layer] }
    },
  }
}

/** What is selected. Repositories are left out unless `open` fetches them: their keys say enough for the cache. */
async function select(
  session: BuildSession,
  op: CopyOp,
  inputs: readonly Value[],
  open?: (source: RemoteFiles) => Promise<FileSource>,
): Promise<Selected[]> {
  const selection: Selected[] = []
  const options = { exclusion: createExclusion(op.excludes) }
  const selectPaths = op.parents ? selectWithParents : selectFiles
  for (const source of op.sources) {
    if ('text' in source) {
      selection.push(...selectFiles(SingleFileSource.ofText(source.name, source.text, op.time), source.name))
    } else if ('remote' in source) {
      if (open) selection.push(...selectFiles(await open(remoteAt(inputs, source.remote)), '/', options))
    } else if ('download' in source) {
      const input = inputs[source.download]!
      if (input.kind !== 'files') continue
      const files = input.files.list(ROOT).flatMap((file) => selectEntry(input.files, file))
      selection.push(...files.map((file) => ({ ...file, fetched: true })))
    } else {
      const files = await filesAt(session, inputs, source.input)
      for (const path of source.paths) selection.push(...selectPaths(files, path, options))
    }
  }
  return selection
}

function remoteAt(inputs: readonly Value[], index: number): RemoteFiles {
  const input = inputs[index]
  if (input?.kind === 'remote') return input
  throw fail('INTERNAL', `input ${index} is no repository`)
}

async function filesAt(session: BuildSession, inputs: readonly Value[], index: number): Promise<FileSource> {
  const input = inputs[index]
  if (input?.kind === 'files') return input.files
  const layers = input?.kind === 'layers' ? input.layers : []
  return new TreeSource(await session.store.layers.tree(await diffIdsOf(layers)), 'in the stage')
}

function placementOf(op: CopyOp, parent: FileTree, task: OpTask, job: Job): PlacementOptions {
  const { dest, owner, mode, time } = op
  const unknown = (name: string): void => warnUnknownOwner(name, task, job)
  return {
    dest,
    time,
    ...(owner === null ? {} : { owner: findOwner(owner, parent, unknown) }),
    ...(mode === null ? {} : { mode: parseModeChange(mode) }),
  }
}

async function writePlanned(writer: LayerWriter, planned: readonly Planned[], job: Job): Promise<void> {
  const pace = createPacer()
  for (const item of planned) {
    writeOne(writer, item)
    const pause = pace()
    if (pause) await pause
    checkCanceled(job)
  }
}

function writeOne(writer: LayerWriter, item: Planned): void {
  const { path, kind, attributes } = item
  if (item.hardLinkTo !== undefined) writer.hardlink(path, item.hardLinkTo)
  else if (kind === 'directory') writer.directory(path, attributes)
  else if (kind === 'file') writer.file(path, attributes, item.body!)
  else if (kind === 'symlink') writer.symlink(path, attributes, item.link!)
  else if (kind === 'fifo') writer.fifo(path, attributes)
  else writer.device(path, attributes, kind, item.device!)
}
