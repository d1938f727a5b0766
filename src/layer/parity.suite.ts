import { spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type ByteString, type Digest, messageOf } from '../core/index.ts'
import { mount, unmount } from '../host/index.ts'
import { decompress } from './compress/decompress.ts'
import { openFileTree } from './file-tree.ts'
import { type Described, describeDirectory, describeFileTree, differences } from './host-tree.suite.ts'
import { importLayer } from './import.ts'
import { indexLayer } from './index-layer.ts'
import { type LayerIndex, layerMount, openLayer } from './layer-index.ts'
import { DEFAULT_LAYER_LIMITS } from './limits.ts'
import { mergeLayers } from './merge.ts'
import { readTar } from './tar/read.ts'
import { entryPath } from './tree/path.ts'
import { unpackLayer } from './unpack.ts'

/** How our four views of an archive compare with what GNU tar extracts. */
export interface Parity {
  /** GNU tar's complaints, empty when it had none. */
  gnu: string
  /** Our refusal, empty when there was none. */
  refused: string
  entries: number
  /** Differences, one a line. */
  mount: string[]
  tree: string[]
  unpacked: string[]
  merged: string[]
}

/** Extracts an archive with GNU tar, imports it, and compares. Needs root; `work` is an empty directory. */
export async function compareWithGnuTar(archive: string, work: string): Promise<Parity> {
  const at = (name: string): string => path.join(work, name)
  for (const name of ['gnu', 'unpacked', 'mount', 'merged']) mkdirSync(at(name), { recursive: true })
  const gnu = extract(archive, at('gnu'))
  const result: Parity = { gnu, refused: '', entries: 0, mount: [], tree: [], unpacked: [], merged: [] }
  try {
    const layer = await open(archive, work)
    const expected = describeDirectory(at('gnu'))
    const ignoreDirectories = await undescribed(archive, expected)
    result.entries = expected.size
    const against = (actual: Map<string, Described>): string[] => differences(expected, actual, { ignoreDirectories })
    result.tree = against(await describeFileTree(openFileTree([layer])))
    await unpackLayer(layer, at('unpacked'), { whiteouts: 'none' })
    result.unpacked = against(describeDirectory(at('unpacked')))
    result.mount = against(describeMount(layer, at('mount')))
    result.merged = against(describeMount(await mergeLayers([layer], at('merged.erofs')), at('merged')))
  } catch (error) {
    result.refused = messageOf(error)
  }
  return result
}

/** GNU tar, told to keep everything; returns its complaints. */
function extract(archive: string, target: string): string {
  const keep = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-p']
  const { status, stderr } = spawnSync('tar', [...keep, '-xf', archive, '-C', target], { encoding: 'latin1' })
  return status === 0 ? '' : (stderr.trim().split('\n')[0]?.slice(0, 120) ?? `exit code ${status}`)
}

async function open(archive: string, work: string): Promise<LayerIndex> {
  const files = { tar: path.join(work, 'layer.tar'), index: path.join(work, 'layer.erofs') }
  const { needsParent } = await importLayer(createReadStream(archive), files)
  if (needsParent) await indexLayer(files.tar, files.index, { parent: openFileTree([]) })
  return openLayer(files.index, (_diffId: Digest) => files.tar)
}

function describeMount(layer: LayerIndex, target: string): Map<string, Described> {
  mount(layerMount(layer), target)
  try {
    return describeDirectory(target)
  } finally {
    unmount(target)
  }
}

/** Directories that the archive has no entry for: GNU tar makes them as of now, we as of 1970. */
async function undescribed(archive: string, extracted: Map<string, Described>): Promise<Set<string>> {
  const found = new Set([...extracted].flatMap(([name, entry]) => (entry.kind === 'directory' ? [name] : [])))
  const { bytes } = await decompress(createReadStream(archive))
  for await (const { entry } of readTar(bytes)) {
    if (entry.type === 'directory') found.delete(entryPath(entry.name, DEFAULT_LAYER_LIMITS).join('/') as ByteString)
  }
  return found
}

/** Empties a work directory for the next archive. */
export function cleanWork(work: string): void {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
}
