import { type ByteString, fail, fromByteString, toByteString } from '../../core/index.ts'
import type { Attributes, FileTree, LayerWriter } from '../../layer/index.ts'
import { findOwner, type Owner, warnUnknownOwner } from '../files/owner.ts'
import { writeLayer } from '../layers/write-layer.ts'
import type { OpRunner } from '../runner.ts'
import type { BuildSession } from '../session.ts'
import { baseLayers, contentKey, diffIdsOf } from '../values.ts'

/** WORKDIR: a folder that must be there, made with its parents where it is not. */
export interface FolderOp {
  kind: 'folder'
  /** Absolute and clean. */
  path: string
  /** Owner of what is made: `USER` as it stands, empty for root. */
  user: string
  /** Unix seconds. */
  time: number
}

/** A layer with the missing folders; an empty one when all are there. */
export function folderRunner(session: BuildSession): OpRunner<FolderOp> {
  return {
    kind: 'folder',
    operation: ({ time: _, ...op }) => op,
    content: async (_op, inputs) => ({ base: await contentKey(baseLayers(inputs)) }),
    async run(op, inputs, task, job) {
      const base = baseLayers(inputs)
      const tree = await session.store.layers.tree(await diffIdsOf(base), job)
      const owner = (): Owner => findOwner(op.user, tree, (name) => warnUnknownOwner(name, task, job))
      const folders = foldersFor(op, tree, owner)
      const fill = (writer: LayerWriter): void => {
        for (const { path, attributes } of folders) writer.directory(path, attributes)
      }
      const layer = await writeLayer(session, fill, job)
      return { kind: 'layers', layers: [...base, layer] }
    },
  }
}

function foldersFor(op: FolderOp, tree: FileTree, owner: () => Owner): { path: ByteString; attributes: Attributes }[] {
  const target = tree.resolve(toByteString(op.path))
  const steps = target.split('/').map((_, at, all) => all.slice(0, at + 1).join('/') as ByteString)
  const found = steps.map((path) => ({ path, existing: tree.stat(path) }))
  const blocked = found.find(({ existing }) => existing && existing.kind !== 'directory')
  if (blocked) throw fail('COPY_CONFLICT', `mkdir /${fromByteString(blocked.path)}: not a directory`)
  if (found.every(({ existing }) => existing)) return []
  const fresh = { mode: 0o755, ...owner(), mtime: { seconds: op.time, nanoseconds: 0 } }
  return found.map(({ path, existing }) => ({ path, attributes: existing ?? fresh }))
}
