import { type ErrorCode, fail, isJsonObject, type Json, parseJson, type SlipwayError } from '../core/index.ts'
import type { ImageConfig } from './config.ts'
import type { Index, Manifest } from './manifest.ts'
import { isConfigType, isIndexType, isLayerType, isManifestType, MEDIA } from './media-type.ts'
import { configSchema, indexSchema, LIMITS, manifestSchema, violation } from './schema.ts'

/** A manifest or an index, told apart. */
export type ImageDocument =
  | { readonly kind: 'manifest'; readonly mediaType: string; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly mediaType: string; readonly index: Index }

/**
 * Parses a manifest or an index of foreign origin. With `mediaType` (of the descriptor that led here) the document
 * must be of that type; without, its own `mediaType` or its shape decides. Fields that this program does not know
 * stay in the value. Fails with `JSON_INVALID`, `MANIFEST_INVALID`, and `MANIFEST_UNSUPPORTED` for schema 1.
 */
export function parseImageDocument(bytes: Uint8Array, mediaType?: string): ImageDocument {
  const what = mediaType !== undefined && isIndexType(mediaType) ? 'index' : 'manifest'
  const value = parseJson(bytes, { what, maxBytes: LIMITS.manifestBytes })
  if (!isJsonObject(value)) throw invalid('MANIFEST_INVALID', what, 'it must be an object')
  const type = typeOf(value, mediaType)
  if (isIndexType(type)) {
    check('MANIFEST_INVALID', 'index', violation(indexSchema(), value))
    return { kind: 'index', mediaType: type, index: without(value, 'manifests') as unknown as Index }
  }
  check('MANIFEST_INVALID', 'manifest', violation(manifestSchema(), value))
  return { kind: 'manifest', mediaType: type, manifest: without(value, 'layers') as unknown as Manifest }
}

/** Parses a manifest; see `parseImageDocument`. An index fails with `MANIFEST_INVALID`. */
export function parseManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  const document = parseImageDocument(bytes, mediaType)
  if (document.kind === 'manifest') return document.manifest
  throw invalid('MANIFEST_INVALID', 'manifest', 'it is an index')
}

/** Parses an index; see `parseImageDocument`. A manifest of one image fails with `MANIFEST_INVALID`. */
export function parseIndex(bytes: Uint8Array, mediaType?: string): Index {
  const document = parseImageDocument(bytes, mediaType)
  if (document.kind === 'index') return document.index
  throw invalid('MANIFEST_INVALID', 'index', 'it is a manifest of one image')
}

/**
 * Parses an image config of foreign origin. Fields that this program does not know stay in the value; known ones that
 * are null, as Go writes empty ones, are left out. Fails with `JSON_INVALID` and `CONFIG_INVALID`.
 */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJson(bytes, { what: 'image config', maxBytes: LIMITS.configBytes })
  if (!isJsonObject(value)) throw invalid('CONFIG_INVALID', 'image config', 'it must be an object')
  // Docker's words for the commonest wrong file
  if (value['rootfs'] == null) throw invalid('CONFIG_INVALID', 'image config', 'invalid image JSON, no RootFS key')
  check('CONFIG_INVALID', 'image config', violation(configSchema(), value))
  const config = withoutNulls(value, CONFIG_KEYS)
  if (isJsonObject(config['config'])) config['config'] = withoutNulls(config['config'], CONTAINER_KEYS)
  config['rootfs'] = without(config['rootfs'] as JsonObject, 'diff_ids')
  return config as unknown as ImageConfig
}

/**
 * Whether a manifest is that of an image that can be run: its config is an image config, all its layers are tars.
 * Other things that travel as manifests (signatures, attestations, charts) are not.
 */
export function isImageManifest(manifest: Manifest): boolean {
  return isConfigType(manifest.config.mediaType) && manifest.layers.every((layer) => isLayerType(layer.mediaType))
}

/** Checks that config and manifest speak of the same layers. Fails with `CONFIG_INVALID`, in Docker's words. */
export function checkImage(manifest: Manifest, config: ImageConfig): void {
  const layers = manifest.layers.length
  const diffIds = config.rootfs.diff_ids.length
  if (layers !== diffIds) {
    const what = `invalid manifest, layers length mismatch: expected ${layers}, got ${diffIds}`
    throw fail('CONFIG_INVALID', what, { data: { layers, diffIds } })
  }
  const withLayer = config.history?.filter((entry) => !entry.empty_layer).length ?? 0
  if (withLayer > layers) {
    const what = `too many non-empty layers in History section: ${withLayer}, and the image has ${layers} layers`
    throw fail('CONFIG_INVALID', what, { data: { layers, history: withLayer } })
  }
}

type JsonObject = { [key: string]: Json }

const CONFIG_KEYS = ['created', 'author', 'variant', 'os.version', 'os.features', 'config', 'history']
const CONTAINER_KEYS = [
  ...['User', 'ExposedPorts', 'Env', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal', 'ArgsEscaped'],
  ...['Healthcheck', 'Shell', 'Entrypoint', 'Cmd', 'OnBuild'],
]

/** The document's media type, once nothing in it contradicts that (CVE-2021-41190: one digest, two readings). */
function typeOf(value: JsonObject, expected: string | undefined): string {
  if (value['schemaVersion'] === 1 || 'fsLayers' in value) throw schema1()
  const stated = value['mediaType']
  if (expected !== undefined && typeof stated === 'string' && stated !== expected) {
    throw fail('MANIFEST_INVALID', 'invalid manifest: its mediaType is not the one of its descriptor', {
      data: { expected, stated: stated.slice(0, 200) },
    })
  }
  const shape = 'manifests' in value ? MEDIA.ociIndex : MEDIA.ociManifest
  const type = expected ?? (typeof stated === 'string' ? stated : shape)
  const index = isIndexType(type)
  if (!index && !isManifestType(type)) {
    throw fail('MANIFEST_UNSUPPORTED', 'unsupported manifest media type', { data: { mediaType: type.slice(0, 200) } })
  }
  const foreign = index ? ['config', 'layers'] : ['manifests']
  const found = foreign.find((key) => key in value)
  if (found === undefined) return type
  throw invalid('MANIFEST_INVALID', index ? 'index' : 'manifest', `'${found}' does not belong there`)
}

function schema1(): SlipwayError {
  return fail(
    'MANIFEST_UNSUPPORTED',
    'Docker Image Format v1 and Docker Image manifest version 2, schema 1 are not supported',
    { hint: 'Ask the author of the image to publish it as an OCI image or with schema 2.' },
  )
}

function check(code: ErrorCode, what: string, problem: string | undefined): void {
  if (problem !== undefined) throw invalid(code, what, problem)
}

function invalid(code: ErrorCode, what: string, problem: string): SlipwayError {
  return fail(code, `invalid ${what}: ${problem}`)
}

/** The object with an empty list in place of the null that Go writes for it. */
function without(value: JsonObject, list: string): JsonObject {
  return value[list] === undefined || value[list] === null ? copy(value, { [list]: [] }) : value
}

function withoutNulls(value: JsonObject, keys: readonly string[]): JsonObject {
  const result = copy(value)
  for (const key of keys) if (result[key] === null) delete result[key]
  return result
}

/** A copy without a prototype, like those that `parseJson` makes: there a key named `__proto__` is just a key. */
function copy(value: JsonObject, changes: JsonObject = {}): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, value, changes)
}
