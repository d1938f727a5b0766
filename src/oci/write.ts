import { type Digest, digestOf } from '../core/index.ts'
import type { ImageConfig } from './config.ts'
import type { Descriptor } from './descriptor.ts'
import type { Index, Manifest } from './manifest.ts'
import { MEDIA } from './media-type.ts'

/** A document as it is stored: its bytes and the descriptor that points at them. */
export interface WrittenDocument {
  readonly bytes: Buffer
  readonly descriptor: Descriptor
}

/** The config as bytes, compact, in BuildKit's order of fields: equal configs get equal digests. */
export function writeConfig(config: ImageConfig, mediaType: string = MEDIA.ociConfig): WrittenDocument {
  return written(goJson(arranged(config, CONFIG)), mediaType)
}

/** The manifest as bytes, indented as BuildKit does. */
export function writeManifest(manifest: Manifest): WrittenDocument {
  return written(goJson(arranged(manifest, MANIFEST), 2), manifest.mediaType ?? MEDIA.ociManifest)
}

/** The index as bytes, indented as BuildKit does, or on one line as Docker writes the `index.json` of a layout. */
export function writeIndex(index: Index, indent: 0 | 2 = 2): WrittenDocument {
  return written(goJson(arranged(index, INDEX), indent), index.mediaType ?? MEDIA.ociIndex)
}

/** A descriptor of bytes in memory. */
export function descriptorOf(bytes: Uint8Array, mediaType: string): Descriptor & { readonly digest: Digest } {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

/**
 * JSON as Go writes it, so that documents come out with the digests that Docker's tools would give them: `<`, `>`,
 * `&` and the line separators U+2028 and U+2029 escaped.
 */
export function goJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** How an object is laid out: its known keys in order, each with the layout of its value. */
interface Layout {
  readonly keys: Readonly<Record<string, Layout | undefined>>
  /** A map with keys of the user's choosing: sorted, as Go does. */
  readonly sorted?: boolean
}

const MAP: Layout = { keys: {}, sorted: true }
const plain = (...keys: string[]): Record<string, undefined> => Object.fromEntries(keys.map((key) => [key, undefined]))

// the order of Go's structs in opencontainers/image-spec, specs-go/v1
const PLATFORM: Layout = { keys: plain('architecture', 'os', 'os.version', 'os.features', 'variant') }
const DESCRIPTOR: Layout = {
  keys: {
    ...plain('mediaType', 'digest', 'size', 'urls'),
    annotations: MAP,
    data: undefined,
    platform: PLATFORM,
    artifactType: undefined,
  },
}
const HEAD = plain('schemaVersion', 'mediaType', 'artifactType')
const TAIL = { subject: DESCRIPTOR, annotations: MAP }
const MANIFEST: Layout = { keys: { ...HEAD, config: DESCRIPTOR, layers: DESCRIPTOR, ...TAIL } }
const INDEX: Layout = { keys: { ...HEAD, manifests: DESCRIPTOR, ...TAIL } }
const CONTAINER: Layout = {
  keys: {
    User: undefined,
    ExposedPorts: MAP,
    ...plain('Env', 'Entrypoint', 'Cmd'),
    Volumes: MAP,
    WorkingDir: undefined,
    Labels: MAP,
    ...plain('StopSignal', 'ArgsEscaped'),
    Healthcheck: { keys: plain('Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries') },
    ...plain('OnBuild', 'Shell'),
  },
}
// BuildKit marshals the config's outermost level as a map
const CONFIG: Layout = {
  keys: {
    config: CONTAINER,
    history: { keys: plain('created', 'created_by', 'author', 'comment', 'empty_layer') },
    rootfs: { keys: plain('type', 'diff_ids') },
  },
  sorted: true,
}

/** A copy with its keys in order: the known ones first, then those that this program does not know, as they came. */
function arranged(value: unknown, layout: Layout | undefined): unknown {
  if (layout === undefined || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => arranged(item, layout))
  const source = value as Record<string, unknown>
  const present = Object.keys(source)
  const known = Object.keys(layout.keys)
  const keys = layout.sorted
    ? present.sort(byCodePoint)
    : [
        ...known.filter((key) => Object.hasOwn(source, key)),
        ...present.filter((key) => !Object.hasOwn(layout.keys, key)),
      ]
  const result = Object.create(null) as Record<string, unknown>
  for (const key of keys)
    result[key] = arranged(source[key], Object.hasOwn(layout.keys, key) ? layout.keys[key] : undefined)
  return result
}

/** The order of the UTF-8 bytes, which is Go's. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function written(text: string, mediaType: string): WrittenDocument {
  const bytes = Buffer.from(text)
  return { bytes, descriptor: descriptorOf(bytes, mediaType) }
}
