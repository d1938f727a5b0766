import { type Digest, fail, type Job } from '../core/index.ts'
import { chainId } from '../oci/index.ts'
import type { LayerRecord, StackPart } from '../store/index.ts'
import type { FileSource } from './files/source.ts'

/**
 * A layer as the result of a step. The next step may start before it has reached the store: until then the directory
 * that it is made from stands in for it.
 */
export interface LayerRef {
  readonly committed: Promise<LayerRecord>
  /** Set while the commit is under way, gone afterwards. */
  readonly pending?: () => PendingDirectory | undefined
}

/** A directory that can be mounted in place of its layer; it stays as long as somebody uses it. */
export interface PendingDirectory {
  readonly directory: string
  /** Keeps the directory; call the result when done with it. */
  use(): () => void
}

/** What a vertex makes: a file system as layers from the bottom up, or files to copy from. */
export type Value =
  | { readonly kind: 'layers'; readonly layers: readonly LayerRef[] }
  | { readonly kind: 'files'; readonly files: FileSource }
  | RemoteFiles

/** Files that are only fetched when they are needed. Equal keys mean equal files. */
export interface RemoteFiles {
  readonly kind: 'remote'
  readonly key: string
  /** Fetches them; `task` is who reports the progress. */
  open(task: string, job: Job): Promise<FileSource>
}

/** What can be mounted: everything but files that are only fetched to be copied. */
export type LocalValue = Exclude<Value, RemoteFiles>

/** The inputs of an operation that copies nothing from afar. */
export function localValues(inputs: readonly Value[]): readonly LocalValue[] {
  return inputs.map((input) => {
    if (input.kind === 'remote') throw fail('INTERNAL', 'files from afar as the input of a mount')
    return input
  })
}

/** By convention the first input of an operation that adds layers is the file system it adds them to. */
export function baseLayers(inputs: readonly Value[]): readonly LayerRef[] {
  const base = inputs[0]
  return base?.kind === 'layers' ? base.layers : []
}

/** A layer that is in the store already. */
export function storedLayer(record: LayerRecord): LayerRef {
  return { committed: Promise.resolve(record) }
}

/** The diffIds of a file system; waits for commits that are under way. */
export async function diffIdsOf(layers: readonly LayerRef[]): Promise<Digest[]> {
  return (await Promise.all(layers.map((layer) => layer.committed))).map((record) => record.diffId)
}

/** What names the content of a file system in cache keys: its chain id, `scratch` when it is empty. */
export async function contentKey(layers: readonly LayerRef[]): Promise<string> {
  return chainId(await diffIdsOf(layers)) ?? 'scratch'
}

/**
 * The parts to mount for a file system, and a function that gives the directories among them back. Layers whose commit
 * is under way come as directories; from the first of them on, all do or are waited for.
 */
export async function stackOf(layers: readonly LayerRef[]): Promise<{ parts: StackPart[]; release: () => void }> {
  const parts: StackPart[] = []
  const releases: (() => void)[] = []
  const firstPending = layers.findIndex((layer) => layer.pending?.() !== undefined)
  const allAboveArePending = layers.slice(firstPending).every((layer) => layer.pending?.() !== undefined)
  for (const [at, layer] of layers.entries()) {
    const pending = firstPending >= 0 && at >= firstPending && allAboveArePending ? layer.pending?.() : undefined
    if (pending) {
      releases.push(pending.use())
      parts.push({ directory: pending.directory })
    } else parts.push({ diffId: (await layer.committed).diffId })
  }
  return {
    parts,
    release: () => {
      for (const release of releases) release()
    },
  }
}
