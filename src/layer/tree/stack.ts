import type { ByteString } from '../../core/index.ts'
import type { Entry } from '../entry.ts'
import type { IndexImage, Inode } from '../erofs/read.ts'
import { type LayerIndex, visibleLayers } from '../layer-index.ts'
import { isOverlayXattr } from './attributes.ts'
import type { DataSource, Extent } from './node.ts'

/** An inode of one layer of a stack. */
export interface Part {
  /** Counts from the bottom. */
  layer: number
  inode: Inode
}

/**
 * What is seen under a name: one part for a file; for a directory all the directories that are merged, topmost first.
 */
export type Parts = readonly [Part, ...Part[]]

/** The layers of an image, seen as overlayfs would show them. */
export class LayerStack {
  readonly #images: readonly IndexImage[]
  /** By layer, then by device; device 0 is the index itself. */
  readonly #sources: readonly (readonly DataSource[])[]
  readonly root: Parts | undefined

  /** Bottom layer first. */
  constructor(layers: readonly LayerIndex[]) {
    const visible = visibleLayers(layers)
    this.#images = visible.map((layer) => layer.image)
    const known = new Map<string, DataSource>()
    this.#sources = visible.map((layer) => [{ path: layer.path, size: 0 }, ...devicesOf(layer, known)])
    const roots = this.#images.map((image, layer) => ({ layer, inode: image.inode(image.root) })).reverse()
    this.root = roots.length > 0 ? (roots as unknown as Parts) : undefined
  }

  /** What a name in a directory leads to. */
  child(directory: Parts, name: ByteString): Parts | undefined {
    const found: Part[] = []
    for (const { layer, inode } of directory) {
      const nid = this.#images[layer]!.lookup(inode, name)
      if (nid !== undefined && this.#meet(found, { layer, inode }, nid) === 'closed') break
    }
    return found.length > 0 ? (found as unknown as Parts) : undefined
  }

  /** All names in a directory, in byte order. */
  children(directory: Parts): { name: ByteString; parts: Parts }[] {
    const found = new Map<ByteString, { parts: Part[]; closed: boolean }>()
    for (const { layer, inode } of directory) {
      for (const { name, nid } of this.#images[layer]!.names(inode)) {
        let child = found.get(name)
        if (child?.closed) continue
        if (!child) {
          child = { parts: [], closed: false }
          found.set(name, child)
        }
        child.closed = this.#meet(child.parts, { layer, inode }, nid) === 'closed'
      }
    }
    const names = directory.length === 1 ? [...found.keys()] : [...found.keys()].sort()
    const children: { name: ByteString; parts: Parts }[] = []
    for (const name of names) {
      const { parts } = found.get(name)!
      if (parts.length > 0) children.push({ name, parts: parts as unknown as Parts })
    }
    return children
  }

  /** Adds what one layer has under a name to what the layers above it have; `closed` hides all layers below. */
  #meet(found: Part[], { layer, inode: directory }: Part, nid: number): 'open' | 'closed' {
    const image = this.#images[layer]!
    const inode = image.child(directory, nid)
    if (inode.isWhiteout) return 'closed'
    if (inode.kind !== 'directory') {
      if (found.length === 0) found.push({ layer, inode })
      return 'closed'
    }
    found.push({ layer, inode })
    return image.isOpaque(inode) ? 'closed' : 'open'
  }

  /** The entry for what was found under a path. */
  entry(path: ByteString, parts: Parts): Entry {
    const { layer, inode } = parts.find((part) => !part.inode.isImplicit) ?? parts[0]
    const image = this.#images[layer]!
    return {
      path,
      kind: inode.kind,
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      mtime: { seconds: inode.seconds, nanoseconds: inode.nanoseconds },
      xattrs: inode.xattrBytes > 0 ? withoutOverlay(image.xattrs(inode)) : undefined,
      size: inode.kind === 'file' ? inode.size : 0,
      inode: parts[0].layer * 2 ** 32 + parts[0].inode.nid,
      nlink: inode.nlink,
      ...(inode.kind === 'symlink' && { link: image.link(inode) }),
      ...((inode.kind === 'char' || inode.kind === 'block') && { device: inode.device }),
    }
  }

  /** Where a symlink points. */
  link([{ layer, inode }]: Parts): ByteString {
    return this.#images[layer]!.link(inode)
  }

  /** Where the content of a regular file lies. */
  extents([{ layer, inode }]: Parts): Extent[] {
    const sources = this.#sources[layer]!
    return this.#images[layer]!.chunks(inode).map(({ start, length, device, offset }) => ({
      start,
      length,
      offset,
      source: sources[device]!,
    }))
  }
}

/** One source for each archive, even when several indexes point into it. */
function devicesOf(layer: LayerIndex, known: Map<string, DataSource>): DataSource[] {
  return layer.devices.map(({ diffId, path }, i) => {
    const source = known.get(diffId) ?? { diffId, path, size: layer.image.devices[i]!.size }
    known.set(diffId, source)
    return source
  })
}

function withoutOverlay(xattrs: Map<string, Buffer> | undefined): Map<string, Buffer> | undefined {
  for (const name of xattrs?.keys() ?? []) if (isOverlayXattr(name)) xattrs!.delete(name)
  return xattrs?.size ? xattrs : undefined
}
