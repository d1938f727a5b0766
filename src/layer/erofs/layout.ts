import type { ByteString } from '../../core/index.ts'
import type { Steps } from '../steps.ts'
import type { DataSource, Node } from '../tree/node.ts'
import {
  type ChunkPlan,
  chunkSize,
  cutAtLastBlock,
  isAddressable,
  isWhole,
  planChunks,
  planWholeFile,
} from './chunks.ts'
import { type DirectoryPlan, directorySize, planDirectory } from './directory.ts'
import {
  BLOCK,
  CHUNK_ENTRY,
  DEVICE_SLOT,
  DEVICE_TABLE,
  INODE_BYTES,
  INODE_UNIT,
  KINDS,
  LAYOUT,
  MAX_TAIL,
  roundUp,
} from './format.ts'
import { encodeXattrs } from './xattr.ts'

/** Where everything in an index goes. */
export interface Layout {
  /** Inodes in the order of their places; `number` of a node counts in it from 1. */
  order: Node[]
  /** Byte offset of each inode. */
  places: Float64Array
  directories: Map<Node, DirectoryPlan>
  /** Of files whose content is not in one piece that can be pointed to. */
  chunks: Map<Node, ChunkPlan>
  xattrs: Map<Node, Buffer>
  /** First block of the data that does not fit behind an inode: of directories and symlinks; of copied chunks. */
  blocks: Map<Node, number>
  /** The archives that are pointed into, in the order of their slots. */
  devices: DataSource[]
  /** Blocks of the whole index. */
  size: number
}

/** Finds a place for everything: inodes in the order of a walk, then whole blocks of data. */
export function* layOut(root: Node, own: DataSource | undefined): Steps<Layout> {
  const layout: Layout = {
    order: [],
    places: new Float64Array(0),
    directories: new Map(),
    chunks: new Map(),
    xattrs: new Map(),
    blocks: new Map(),
    devices: own ? [own] : [],
    size: 0,
  }
  yield* orderNodes(root, layout)
  placeInodes(layout)
  return layout
}

/** Files stand behind the directory that first names them, so that what is read together lies together. */
function* orderNodes(root: Node, layout: Layout): Steps<void> {
  const devices = new Set(layout.devices)
  const pending: { node: Node; parent: Node }[] = [{ node: root, parent: root }]
  for (let visit = pending.pop(); visit; visit = pending.pop()) {
    yield
    const { node, parent } = visit
    const plan = planDirectory(node, parent)
    layout.directories.set(node, plan)
    place(node, layout)
    node.nlink = 2
    const below: Node[] = []
    let holdsWhiteout = false
    for (const name of plan.names) {
      const child = childOf(plan, name)
      if (child === undefined) continue
      if (child.kind === 'whiteout') holdsWhiteout = true
      if (child.kind === 'directory') {
        node.nlink++
        below.push(child)
      } else if (++child.nlink === 1) {
        place(child, layout)
        if (child.source?.diffId) devices.add(child.source)
        else for (const extent of child.extents) if (isAddressable(extent)) devices.add(extent.source)
      }
    }
    const xattrs = encodeXattrs(node, holdsWhiteout)
    if (xattrs.length > 0) layout.xattrs.set(node, xattrs)
    for (const child of below.reverse()) pending.push({ node: child, parent: node })
  }
  layout.devices = [...devices]
}

function place(node: Node, layout: Layout): void {
  node.number = layout.order.push(node)
  if (node.kind === 'file' && node.size > 0 && !isWhole(node)) {
    cutAtLastBlock(node)
    layout.chunks.set(node, planChunks(node))
  }
  if (node.kind !== 'directory' && node.xattrs) layout.xattrs.set(node, encodeXattrs(node, false))
}

/** How a file is cut into chunks; `undefined` for what has no content. */
export function chunkPlan(node: Node, layout: Layout): ChunkPlan | undefined {
  if (node.kind !== 'file' || node.size === 0) return undefined
  return layout.chunks.get(node) ?? planWholeFile(node.size)
}

function childOf(plan: DirectoryPlan, name: ByteString): Node | undefined {
  return name === '.' || name === '..' ? undefined : plan.node.children!.get(name)
}

/** For directory entries: the number and type of what each name of a directory leads to. */
export function childTarget(plan: DirectoryPlan, layout: Layout): (name: ByteString) => { nid: number; type: number } {
  return (name) => {
    const child = name === '.' ? plan.node : name === '..' ? plan.parent : plan.node.children!.get(name)!
    return { nid: layout.places[child.number - 1]! / INODE_UNIT, type: KINDS[child.kind].type }
  }
}

/** The bytes of a directory or a symlink: whole blocks, and a tail that may stand behind the inode. */
export interface DataShape {
  fullBlocks: number
  tail: number
  layout: number
}

export function dataShape(node: Node, layout: Layout): DataShape {
  const plan = layout.directories.get(node)
  const size = plan ? directorySize(plan) : (node.link?.length ?? 0)
  const tail = size === 0 ? 0 : ((size - 1) % BLOCK) + 1
  const blocks = Math.ceil(size / BLOCK)
  if (tail > MAX_TAIL) return { fullBlocks: blocks, tail: 0, layout: LAYOUT.plain }
  return { fullBlocks: size === 0 ? 0 : blocks - 1, tail, layout: LAYOUT.inline }
}

function placeInodes(layout: Layout): void {
  layout.places = new Float64Array(layout.order.length)
  let at = roundUp(DEVICE_TABLE + layout.devices.length * DEVICE_SLOT, INODE_UNIT)
  for (const node of layout.order) {
    const head = INODE_BYTES + (layout.xattrs.get(node)?.length ?? 0)
    let behind = 0
    const chunks = chunkPlan(node, layout)
    if (chunks) behind = roundUp(head, 8) - head + chunks.count * CHUNK_ENTRY
    else if (node.kind === 'directory' || node.kind === 'symlink') {
      behind = dataShape(node, layout).tail
      // A tail must not run over the end of a block.
      while (((at + head) % BLOCK) + behind > BLOCK) at += INODE_UNIT
    }
    layout.places[node.number - 1] = at
    at = roundUp(at + head + behind, INODE_UNIT)
  }
  placeBlocks(layout, Math.ceil(at / BLOCK))
}

function placeBlocks(layout: Layout, first: number): void {
  let block = first
  for (const node of layout.order) {
    if (node.kind !== 'directory' && node.kind !== 'symlink') continue
    const { fullBlocks } = dataShape(node, layout)
    if (fullBlocks === 0) continue
    layout.blocks.set(node, block)
    block += fullBlocks
  }
  for (const [node, plan] of layout.chunks) {
    if (plan.copied === 0) continue
    layout.blocks.set(node, block)
    block += (plan.copied * chunkSize(plan)) / BLOCK
  }
  layout.size = block
}
