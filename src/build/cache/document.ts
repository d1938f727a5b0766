import { type Digest, fail, isDigest, isJsonObject, type Json, parseJson } from '../../core/index.ts'
import type { Descriptor } from '../../oci/index.ts'
import type { StepRecord } from '../../store/index.ts'

/** The media type of BuildKit's build cache (moby/buildkit, cache/remotecache/v1). */
export const CACHE_CONFIG = 'application/vnd.buildkit.cacheconfig.v0'

/** A layer of an exported cache: as it travels, and what it is when it is unpacked. */
export interface CacheLayer {
  descriptor: Descriptor
  diffId: Digest
}

/** What an exported cache holds. */
export interface CacheContent {
  steps: readonly StepRecord[]
  layers: readonly CacheLayer[]
}

const VERSION = 1
const MOST_BYTES = 64 << 20
const MOST_STEPS = 100_000

/**
 * The cache as JSON in BuildKit's format: `layers` and `records` say what there is; what tells one step from another,
 * and why, stands under `slipway`, where other programs do not look.
 */
export function writeCache({ steps, layers }: CacheContent): Buffer {
  const indexes = new Map(layers.map((layer, at) => [layer.diffId, at]))
  const records = steps.map((step) => ({
    digest: step.key,
    layers: step.diffIds.slice(-1).map((diffId) => ({ layer: indexes.get(diffId)!, createdAt: time(step.createdAt) })),
  }))
  const document = {
    layers: layers.map(({ descriptor: { mediaType, digest, size }, diffId }) => ({
      blob: digest,
      parent: -1,
      annotations: { mediaType, diffID: diffId, size },
    })),
    records,
    slipway: { version: VERSION, steps },
  }
  return Buffer.from(JSON.stringify(document))
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** Reads a cache that comes from anywhere. Fails with `CACHE_INVALID`; one of another program has no steps for us. */
export function parseCache(bytes: Uint8Array): CacheContent {
  const value = parseJson(bytes, { what: 'build cache', maxBytes: MOST_BYTES })
  if (!isJsonObject(value)) throw invalid('it is no object')
  const own = value['slipway']
  if (!isJsonObject(own)) return { steps: [], layers: [] }
  if (own['version'] !== VERSION) throw invalid('it was written by another version')
  return { steps: listOf(own['steps']).map(stepOf), layers: listOf(value['layers']).map(layerOf) }
}

function listOf(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value) || value.length > MOST_STEPS) throw invalid('a list is missing or too long')
  return value
}

function layerOf(value: Json): CacheLayer {
  const { blob, annotations } = objectOf(value)
  const { mediaType, diffID, size } = objectOf(annotations)
  if (typeof mediaType !== 'string' || typeof size !== 'number') throw invalid('a layer has no type or size')
  return { descriptor: { mediaType, digest: digestOf(blob), size }, diffId: digestOf(diffID) }
}

function stepOf(value: Json): StepRecord {
  const { key, opKey, document, diffIds, createdAt, beganAt, endedAt, label, kind } = objectOf(value)
  if (typeof label !== 'string' || typeof kind !== 'string') throw invalid('a step has no name')
  return {
    key: digestOf(key),
    opKey: digestOf(opKey),
    document: objectOf(document),
    diffIds: listOf(diffIds).map(digestOf),
    createdAt: timeOf(createdAt),
    ...(beganAt === undefined ? {} : { beganAt: timeOf(beganAt) }),
    endedAt: timeOf(endedAt),
    label,
    kind,
  }
}

function objectOf(value: Json | undefined): { readonly [key: string]: Json } {
  if (!isJsonObject(value)) throw invalid('a part of it is no object')
  return value
}

function digestOf(value: Json | undefined): Digest {
  if (typeof value !== 'string' || !isDigest(value)) throw invalid('a digest is missing or malformed')
  return value
}

function timeOf(value: Json | undefined): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 8.64e15)) throw invalid('a time is missing or malformed')
  return value
}

const invalid = (why: string): Error => fail('CACHE_INVALID', `this is not a build cache: ${why}`)
