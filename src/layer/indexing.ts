import { type Digest, digestHex, type Job } from '../core/index.ts'
import { writeIndex } from './erofs/write.ts'
import { type LayerLimits, layerLimits } from './limits.ts'
import type { Steps } from './steps.ts'
import { TarParser } from './tar/parser.ts'
import { TreeBuilder } from './tree/builder.ts'
import type { LowerTree } from './tree/lower.ts'
import type { DataSource } from './tree/node.ts'
import { Warnings } from './tree/warnings.ts'

/** What is known of a layer once it has been read or written. */
export interface LayerSummary {
  /** Digest of the uncompressed archive. */
  diffId: Digest
  /** Bytes of the uncompressed archive. */
  size: number
  /** Entries of the archive; 0 for a layer that changes nothing. */
  entries: number
  /** Sum of the sizes of all files. */
  contentBytes: number
  /**
   * Whether the layer says things that depend on the layers below: a hard link to one of their files, a directory
   * without an entry. Its index is complete only when `indexLayer` made it with that `parent`, and then holds for no other.
   */
  needsParent: boolean
}

/** How an archive is read as a layer. */
export interface IndexOptions {
  /** The layers below, for what the archive alone does not say. */
  parent?: LowerTree | undefined
  /** False for an archive that is no layer: names with `.wh.` are names then. */
  whiteouts?: boolean
  limits?: Partial<LayerLimits>
  /** The task that warnings and progress belong to. */
  task?: string | undefined
}

/** Turns the bytes of an archive, as they pass, into its index. */
export class LayerIndexer {
  readonly parser: TarParser
  readonly builder: TreeBuilder
  readonly limits: LayerLimits
  readonly warnings: Warnings
  readonly #source: DataSource

  constructor(tar: string, options: IndexOptions, job: Job) {
    this.limits = layerLimits(options.limits)
    this.warnings = new Warnings(job, options.task)
    this.#source = { path: tar, size: 0 }
    this.builder = new TreeBuilder({
      source: this.#source,
      whiteouts: options.whiteouts ?? true,
      limits: this.limits,
      lower: options.parent,
      warnings: this.warnings,
    })
    this.parser = new TarParser({ entry: (entry, offset) => this.builder.add(entry, offset) }, this.limits)
  }

  /** Writes the index, when all of the archive has been seen and lies at its path. */
  *finish(index: string, diffId: Digest, size: number): Steps<LayerSummary> {
    const needsParent = this.builder.finish()
    const { entries, root } = this.builder
    Object.assign(this.#source, { diffId, size })
    const stamp = yield* writeIndex(index, {
      root,
      own: this.#source,
      uuid: digestHex(diffId).slice(0, 32),
      stamp: { tarSize: size, entries, needsParent },
    })
    return { diffId, size, entries, contentBytes: stamp.contentBytes, needsParent }
  }
}
