import { existsSync } from 'node:fs'
import path from 'node:path'
import type { RunMount } from '../../build/index.ts'
import type { ContainerMount } from '../../container/index.ts'
import { type ByteString, toByteString } from '../../core/index.ts'
import { createLayerWriter, type Entry, type FileTree, type LayerWriter } from '../../layer/index.ts'
import type { LayerRecord, Lease, Store } from '../../store/index.ts'
import type { BuildStep, PastBuild } from './record.ts'
import { layersOfStep } from './step-files.ts'
import type { FoundStep } from './step-ref.ts'

/** What a step saw beside its file system, as a container can see it again. */
export interface StepSurroundings {
  mounts: ContainerMount[]
  /** Files of other stages, as a layer on top. */
  layer?: LayerRecord
  /** What cannot be had again: secrets, agents, and contexts that were no folder. */
  missing: string[]
}

/** Makes the mounts of a step again, as far as they are still there. */
export async function surroundingsOf(store: Store, lease: Lease, found: FoundStep): Promise<StepSurroundings> {
  const { build, step } = found
  const around: StepSurroundings = { mounts: [], missing: [] }
  const copied: { target: string; tree: FileTree; source: string }[] = []
  for (const mount of step.mounts ?? []) {
    const made = mount.type === 'bind' ? bindOf(build, step, mount) : mountOf(store, mount)
    if (typeof made === 'string') around.missing.push(made)
    else if ('n' in made) {
      const tree = await store.layers.tree(layersOfStep(store, lease, { build, step: made }))
      if (mount.type === 'bind') copied.push({ tree, target: mount.target, source: mount.source })
    } else around.mounts.push(made)
  }
  if (copied.length > 0) around.layer = copyOf(store, lease, copied)
  return around
}

/** A mount that needs no other step, or what to say when it cannot be had. */
function mountOf(store: Store, mount: Exclude<RunMount, { type: 'bind' }>): ContainerMount | string {
  if (mount.type === 'tmpfs') return { type: 'tmpfs', target: mount.target, readonly: mount.readonly }
  if (mount.type === 'secret') return `secret ${mount.id}`
  if (mount.type === 'ssh') return `SSH agent ${mount.id}`
  const { id, namespace, mode, uid, gid, target, readonly, source, input } = mount
  const record = store.cacheMounts
    .list()
    .find((each) => each.id === id && each.namespace === namespace && sameOwner(each, { mode, uid, gid }))
  if (!record) return `cache ${id}`
  const folder = store.cacheMounts.folder(record.key)
  return { type: 'bind', source: input === null ? path.join(folder, source) : folder, target, readonly }
}

type Owner = { mode: number | null; uid: number | null; gid: number | null }
const sameOwner = (one: Owner, other: Owner): boolean =>
  one.mode === other.mode && one.uid === other.uid && one.gid === other.gid

/** The step whose files are bound, the folder of the build context, or what to say when it was no folder. */
function bindOf(
  build: PastBuild,
  step: BuildStep,
  { input, source, target }: Extract<RunMount, { type: 'bind' }>,
): ContainerMount | BuildStep | string {
  const from = build.steps.find(({ n }) => n === step.inputs[input])
  if (from?.diffIds) return from
  const folder = from?.kind === 'context' && existsSync(build.context) ? path.join(build.context, source) : undefined
  // the container must not write into the user's files
  if (folder && existsSync(folder)) return { type: 'bind', source: folder, target, readonly: true }
  return `bind ${target}`
}

function copyOf(
  store: Store,
  lease: Lease,
  copies: readonly { target: string; tree: FileTree; source: string }[],
): LayerRecord {
  const files = store.layers.temporary(lease)
  using writer = createLayerWriter(files)
  for (const { target, tree, source } of copies) copyInto(writer, toByteString(target.slice(1)), tree, source)
  return store.layers.adopt(files, writer.finish(), lease)
}

function copyInto(writer: LayerWriter, target: ByteString, tree: FileTree, source: string): void {
  const top = tree.resolve(toByteString(source.slice(1)))
  const entry = tree.stat(top)
  if (!entry) return
  writeEntry(writer, target, entry, tree)
  if (entry.kind !== 'directory') return
  for (const each of tree.walk(top)) {
    const below = top === '' ? each.path : each.path.slice(top.length + 1)
    writeEntry(writer, `${target}/${below}` as ByteString, each, tree)
  }
}

function writeEntry(writer: LayerWriter, at: ByteString, entry: Entry, tree: FileTree): void {
  const { kind } = entry
  if (kind === 'directory') writer.directory(at, entry)
  else if (kind === 'file') writer.file(at, entry, { tree, path: entry.path })
  else if (kind === 'symlink') writer.symlink(at, entry, entry.link!)
  else if (kind === 'fifo') writer.fifo(at, entry)
  else writer.device(at, entry, kind, entry.device!)
}
