import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { ByteString, Digest } from '../../src/core/index.ts'
import { type Described, describeDirectory, describeFileTree } from '../../src/layer/host-tree.suite.ts'
import { importLayer, indexLayer, type LayerIndex, openFileTree, openLayer } from '../../src/layer/index.ts'
import { hostPlatform, readImage } from '../../src/oci/index.ts'
import { openImageArchive } from '../../src/transfer/index.ts'

/** An image out of an archive: its config as JSON, and every file of its layers put together. */
export interface ReadImage {
  config: unknown
  tree: Tree
}

export type Tree = Map<string, Described>

/**
 * Reads what `docker save` wrote with GNU tar and the host's file system, and none of our own code: each layer is
 * extracted into a folder of its own below `work` (kept, by digest: bases are the same for many images).
 */
export function readWithGnuTar(archive: string, work: string): ReadImage {
  const folder = mkdtempSync(path.join(work, 'archive-'))
  try {
    execFileSync('tar', ['-xf', archive, '-C', folder])
    const [image] = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'))
    const config: unknown = JSON.parse(readFileSync(path.join(folder, image.Config), 'utf8'))
    const layers = ((image.Layers ?? []) as string[]).map((layer) => extractLayer(path.join(folder, layer), work))
    return { config, tree: layers.reduce<Tree>(putOnTop, new Map()) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const extracted = new Map<string, Tree>()

function extractLayer(file: string, work: string): Tree {
  const known = extracted.get(path.basename(file))
  if (known) return known
  const folder = mkdtempSync(path.join(work, 'layer-'))
  try {
    const keep = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-p']
    execFileSync('tar', [...keep, '-xf', file, '-C', folder], { stdio: ['ignore', 'ignore', 'pipe'] })
    const tree = describeDirectory(folder)
    extracted.set(path.basename(file), tree)
    return tree
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

/** By the image spec, "Whiteouts": a layer first hides what is below, then adds its own. */
function putOnTop(below: Tree, layer: Tree, number: number): Tree {
  const result = new Map(below)
  for (const name of layer.keys()) {
    const [folder, base] = split(name)
    if (base === OPAQUE) removeBelow(result, folder)
    else if (base.startsWith(WHITEOUT)) remove(result, folder === '' ? base.slice(4) : `${folder}/${base.slice(4)}`)
  }
  for (const [name, entry] of layer) {
    if (split(name)[1].startsWith(WHITEOUT)) continue
    const there = result.get(name)
    if (there && (there.kind !== 'directory' || entry.kind !== 'directory')) remove(result, name)
    result.set(name, { ...entry, inode: `${number} ${entry.inode}` })
  }
  return result
}

function split(name: string): [folder: string, base: string] {
  const cut = name.lastIndexOf('/')
  return [name.slice(0, Math.max(cut, 0)), name.slice(cut + 1)]
}

function remove(tree: Tree, name: string): void {
  tree.delete(name)
  removeBelow(tree, name)
}

function removeBelow(tree: Tree, folder: string): void {
  for (const name of tree.keys()) if (name !== '' && (folder === '' || name.startsWith(`${folder}/`))) tree.delete(name)
}

/** Reads what Slipway saved with Slipway's own reader. Imported layers are kept below `work`, by digest. */
export async function readWithSlipway(archive: string, work: string): Promise<ReadImage> {
  await using images = await openImageArchive(archive)
  const [image] = await images.images()
  const { config, manifest } = await readImage(images, image!.descriptor, hostPlatform())
  const folder = path.join(work, 'imported')
  mkdirSync(folder, { recursive: true })
  const tarOf = (diffId: Digest): string => path.join(folder, `${diffId.slice(7)}.tar`)
  const layers: LayerIndex[] = []
  for (const [at, diffId] of config.rootfs.diff_ids.entries()) {
    const files = { tar: tarOf(diffId), index: tarOf(diffId).replace(/tar$/, 'erofs') }
    if (!existsSync(files.index)) {
      const { needsParent } = await importLayer(images.read(manifest.layers[at]!), files)
      if (needsParent) await indexLayer(files.tar, files.index, { parent: openFileTree(layers) })
    }
    layers.push(openLayer(files.index, tarOf))
  }
  return { config, tree: layers.length === 0 ? new Map() : await describeFileTree(openFileTree(layers)) }
}

/** A path as text for people. */
export const shown = (name: string): string => `/${Buffer.from(name as ByteString, 'latin1').toString()}`
