import { createHash } from 'node:crypto'
import { type ByteString, type Job, silentJob } from '../core/index.ts'
import { writeIndex } from './erofs/write.ts'
import { type LayerIndex, openLayer } from './layer-index.ts'
import { runPaced, type Steps } from './steps.ts'
import { nodeFromLower } from './tree/make-node.ts'
import { implicitDirectory, type Node } from './tree/node.ts'
import { LayerStack, type Parts } from './tree/stack.ts'

const ROOT = '' as ByteString

/**
 * Writes one index of a whole stack of layers (bottom first): what is seen through all of them, without whiteouts, its
 * files pointing into the layers' archives. For stacks that overlayfs cannot take (more than 500 layers), and for
 * views of an image as one file system. The index file is made new; the same layers give the same bytes.
 */
export async function mergeLayers(
  layers: readonly LayerIndex[],
  index: string,
  job: Job = silentJob,
): Promise<LayerIndex> {
  await runPaced(writeMerged(layers, index), job)
  const paths = new Map(layers.flatMap((layer) => layer.devices.map(({ diffId, path }) => [diffId, path])))
  return openLayer(index, (diffId) => paths.get(diffId)!)
}

function* writeMerged(layers: readonly LayerIndex[], index: string): Steps<void> {
  const stack = new LayerStack(layers)
  const root = implicitDirectory()
  if (stack.root) root.describe(stack.entry(ROOT, stack.root))
  const entries = stack.root ? yield* copyTree(stack, stack.root, root) : 0
  const diffIds = layers.flatMap((layer) => layer.devices.map(({ diffId }) => diffId))
  const uuid = createHash('sha256').update(diffIds.join(' ')).digest('hex').slice(0, 32)
  yield* writeIndex(index, { root, uuid, stamp: { tarSize: 0, entries, needsParent: false } })
}

/** Makes nodes of everything that is seen; returns how many names that are. */
function* copyTree(stack: LayerStack, top: Parts, root: Node): Steps<number> {
  const links = new Map<number, Node>()
  const pending = [{ parts: top, node: root }]
  let names = 0
  for (let next = pending.pop(); next; next = pending.pop()) {
    yield
    for (const { name, parts } of stack.children(next.parts)) {
      const node = nodeOf(stack, parts, links)
      next.node.children!.set(name, node)
      names++
      if (node.kind === 'directory') pending.push({ parts, node })
    }
  }
  return names
}

function nodeOf(stack: LayerStack, parts: Parts, links: Map<number, Node>): Node {
  const entry = stack.entry(ROOT, parts)
  const known = links.get(entry.inode)
  if (known) return known
  const node = nodeFromLower(entry, entry.kind === 'file' ? stack.extents(parts) : [])
  if (entry.kind !== 'directory' && entry.nlink > 1) links.set(entry.inode, node)
  return node
}
