import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach } from 'vitest'
import {
  type ByteString,
  bytesOf,
  collectBytes,
  type Digest,
  digestHex,
  type Job,
  type ProgressEvent,
} from '../core/index.ts'
import { mount, unmount } from '../host/index.ts'
import type { Entry } from './entry.ts'
import { type FileTree, openFileTree } from './file-tree.ts'
import { type ImportedLayer, importLayer, type LayerFiles } from './import.ts'
import { indexLayer } from './index-layer.ts'
import type { IndexOptions } from './indexing.ts'
import { type LayerIndex, layerMount, openLayer, visibleLayers } from './layer-index.ts'

/** Text as a path or link target. */
export const bytes = (text: string): ByteString => text as ByteString

/** A temporary directory that is gone after the test, with what is mounted in it. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-layer-'))
  directories.push(directory)
  return directory
}
const directories: string[] = []

/** A temporary directory that is gone after the tests of a file. */
export function keptDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-layer-'))
  kept.push(directory)
  return directory
}
const kept: string[] = []

afterAll(() => {
  for (const directory of kept.splice(0)) rmSync(directory, { recursive: true, force: true })
})
const mounts: string[] = []

afterEach(() => {
  for (const target of mounts.splice(0).reverse()) unmount(target, { detach: true })
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** Mounts something until the end of the test. */
export function mountForTest(fs: Parameters<typeof mount>[0], target: string): void {
  mount(fs, target)
  mounts.push(target)
}

/** Whether this process may mount EROFS and overlays. */
export const canMount: boolean = process.getuid?.() === 0
/** Whether this process may make devices and give files away. */
export const isRoot: boolean = process.getuid?.() === 0

/** A place for layers, as the store will be: archives by diffId, indexes beside them. */
export class TestStore {
  readonly directory: string = temporaryDirectory()
  readonly events: ProgressEvent[] = []
  readonly job: Job = { progress: (event) => void this.events.push(event) }
  #made = 0

  files(): LayerFiles {
    const base = path.join(this.directory, String(++this.#made))
    return { tar: `${base}.tar`, index: `${base}.erofs` }
  }

  readonly #blobs: Map<Digest, string> = new Map()

  /** Registers a layer that was written to `files`, and opens it. */
  open(files: LayerFiles, diffId: Digest): LayerIndex {
    if (!this.#blobs.has(diffId)) this.#blobs.set(diffId, files.tar)
    return openLayer(files.index, (wanted) => this.#blobs.get(wanted) ?? `/nowhere/${digestHex(wanted)}`)
  }

  /** Imports an archive as a layer on top of others, with them as its parent when it asks for one. */
  async add(
    tar: Buffer,
    options: IndexOptions = {},
    below: readonly LayerIndex[] = [],
  ): Promise<LayerIndex & ImportedLayer> {
    const files = this.files()
    const layer = await importLayer(bytesOf(tar), files, options, this.job)
    this.#blobs.set(layer.diffId, files.tar)
    const parent = openFileTree(below)
    if (layer.needsParent) await indexLayer(files.tar, files.index, { ...options, parent }, this.job)
    return { ...layer, ...this.open(files, layer.diffId) }
  }

  /** Imports archives on top of one another, bottom first. */
  async stack(...tars: Buffer[]): Promise<LayerIndex[]> {
    const layers: LayerIndex[] = []
    for (const tar of tars) layers.push(await this.add(tar, {}, [...layers]))
    return layers
  }

  /** What a stack of archives shows. */
  async tree(...tars: Buffer[]): Promise<FileTree> {
    return openFileTree(await this.stack(...tars))
  }

  /** Messages of the warnings so far. */
  get warnings(): string[] {
    return this.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
  }

  /** Mounts each of the layers, and an overlay of them all; returns where. */
  mountStack(layers: readonly LayerIndex[], options: readonly string[] = []): string {
    const lowers = visibleLayers(layers).map((layer) => {
      const target = temporaryDirectory()
      mountForTest(layerMount(layer), target)
      return target
    })
    const target = temporaryDirectory()
    const lower = lowers.reverse().map((directory) => `lowerdir+=${directory}`)
    // Without an upper directory, overlayfs wants two lower ones.
    if (lower.length === 1 && options.length === 0) lower.push(...upperOptions())
    mountForTest({ type: 'overlay', source: 'overlay', options: [...lower, ...options] }, target)
    return target
  }
}

/** For a writable overlay, set as the store sets it. */
export function upperOptions(upper: string = temporaryDirectory()): string[] {
  const off = ['redirect_dir', 'metacopy', 'index'].map((feature) => `${feature}=off`)
  return [`upperdir=${upper}`, `workdir=${temporaryDirectory()}`, ...off]
}

/** Every path of a tree with its kind, its permissions and its content or target. */
export async function listTree(tree: FileTree): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of tree.walk()) found[entry.path] = await showEntry(tree, entry)
  return found
}

async function showEntry(tree: FileTree, entry: Entry): Promise<string> {
  if (entry.kind === 'file')
    return `file ${(await collectBytes(tree.read(entry.path), 1 << 26, () => new Error('too long'))).toString('latin1')}`
  if (entry.kind === 'symlink') return `symlink ${entry.link}`
  if (entry.device) return `${entry.kind} ${entry.device.major}:${entry.device.minor}`
  return entry.kind
}
