import { type Digest, digestOf, type Job } from '../core/index.ts'
import type { Lease, StepRecord, Store } from '../store/index.ts'
import type { CacheSource } from './cache/source.ts'
import type { KeyPart } from './key-part.ts'
import { type LayerRef, storedLayer } from './values.ts'

/** A step of an earlier build, and the layers that it made, which are all there. */
export interface KnownStep {
  record: StepRecord
  layers: LayerRef[]
}

/** The steps that the store remembers, and those that caches from elsewhere can bring into it. */
export class KnownSteps {
  readonly #store: Store
  readonly #lease: Lease
  readonly #sources: readonly CacheSource[]

  /** `lease` keeps what is found. `sources` are asked in order, after the store. */
  constructor(store: Store, lease: Lease, sources: readonly CacheSource[] = []) {
    this.#store = store
    this.#lease = lease
    this.#sources = sources
  }

  /**
   * The step with this key document, whose operation has this key. The document is only asked for when the operation was
   * seen before: else nothing can be found, and nothing is waited for. `task` is who wants it.
   */
  async find(opKey: Digest, document: () => Promise<KeyPart>, task: string, job: Job): Promise<KnownStep | undefined> {
    const sources = this.#sources.filter((source) => source.knowsOperation(opKey))
    if (sources.length === 0 && !this.#store.steps.knowsOperation(opKey)) return undefined
    const key = keyOf(await document())
    const stored = this.#stored(key)
    if (stored) return stored
    for (const source of sources) {
      const brought = (await source.bring(key, task, job)) ? this.#stored(key) : undefined
      if (brought) return brought
    }
    return undefined
  }

  /**
   * The step that made these layers on this base first. A result that was there before is as old as it was then, so that
   * the image made of it is the same one.
   */
  firstMade(diffIds: readonly Digest[], base: string): StepRecord | undefined {
    const [first] = diffIds
    const result = JSON.stringify(diffIds)
    const records = first === undefined ? [] : this.#store.steps.withLayer(first)
    return records.find((record) => JSON.stringify(record.diffIds) === result && baseOf(record.document) === base)
  }

  #stored(key: Digest): KnownStep | undefined {
    const record = this.#store.steps.find(key)
    if (!record) return undefined
    this.#lease.hold(record.diffIds)
    const layers = record.diffIds.map((diffId) => this.#store.layers.get(diffId))
    if (layers.every((layer) => layer !== undefined)) return { record, layers: layers.map(storedLayer) }
    this.#store.steps.forget(record.key, 'layers-missing')
    return undefined
  }
}

/** The digest under which the cache knows a part of a key document, or all of it. */
export function keyOf(part: KeyPart): Digest {
  return digestOf(JSON.stringify(part))
}

function baseOf(document: unknown): unknown {
  const { content } = document as { content?: { base?: unknown } }
  return content?.base
}
