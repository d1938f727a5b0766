import * as v from 'valibot'
import { isDigest, isJsonObject } from '../core/index.ts'

/** Hard caps on documents that come from outside; well above what any real image has. */
export const LIMITS = {
  /** Bytes of a manifest or index, 4 MiB: what registries accept. */
  manifestBytes: 4_194_304,
  /** Bytes of an image config, 8 MiB. */
  configBytes: 8_388_608,
  /** Layers of one image. */
  layers: 1000,
  /** Entries of one index. */
  manifests: 10_000,
  /** History entries of one image. */
  history: 10_000,
  /** Indexes inside indexes. */
  indexDepth: 8,
} as const

/** RFC 6838, section 4.2: two names of at most 127 characters. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/
const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:\S/
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

type Schema = v.GenericSchema<unknown>

/** Builds a schema on first use, so that a command which parses nothing pays nothing. */
function lazily<T extends Schema>(build: () => T): () => T {
  let built: T | undefined
  return () => {
    built ??= build()
    return built
  }
}

// These schemas are asked only whether a document is valid, and their messages repeat nothing of it. What valibot
// gives back is thrown away, because it drops unknown fields and keys such as `constructor`.

const text = v.string('must be a string')
const optional = <T extends Schema>(schema: T): v.NullishSchema<T, undefined> => v.nullish(schema)
const flag = v.boolean('must be true or false')
const count = v.pipe(v.number('must be a number'), v.safeInteger('must be a whole number'))
const size = v.pipe(count, v.minValue(0, 'must not be negative'))
const texts = v.array(text, 'must be a list of strings')
const time = v.pipe(text, v.regex(RFC3339, 'must be a time as in RFC 3339'))
const digest = v.custom(isDigest, 'must be a digest: sha256 or sha512, a colon, and lower-case hex digits')
const textMap = v.custom(
  (value) => isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string'),
  'must be an object of strings',
)
const set = v.custom(
  (value) => isJsonObject(value) && Object.values(value).every((item) => item === null || isJsonObject(item)),
  'must be an object of empty objects',
)
const object = <T extends v.ObjectEntries>(entries: T): Schema =>
  v.pipe(v.custom<object>(isJsonObject, 'must be an object'), v.object(entries, 'is missing'))

const platform = lazily(() =>
  object({
    os: text,
    architecture: text,
    variant: optional(text),
    'os.version': optional(text),
    'os.features': optional(texts),
  }),
)

/** A content descriptor. */
export const descriptorSchema: () => Schema = lazily(() =>
  object({
    mediaType: v.pipe(text, v.regex(MEDIA_TYPE, 'must be a media type')),
    digest,
    size,
    urls: optional(v.array(v.pipe(text, v.regex(ABSOLUTE_URI, 'must be a URI')), 'must be a list of URIs')),
    annotations: optional(textMap),
    data: optional(v.pipe(text, v.regex(BASE64, 'must be base64'))),
    platform: optional(platform()),
    artifactType: optional(text),
  }),
)

function atMost(limit: number, list: v.ArraySchema<Schema, string>): Schema {
  return v.pipe(
    v.custom<unknown[]>(
      (value) => !Array.isArray(value) || value.length <= limit,
      `must not have more than ${limit} entries`,
    ),
    list,
  )
}

/** A list of descriptors; Go writes an empty one as null. */
function descriptors(limit: number): Schema {
  return v.nullable(atMost(limit, v.array(descriptorSchema(), 'must be a list of descriptors')))
}

const common = (): v.ObjectEntries => ({
  schemaVersion: v.literal(2, 'must be 2'),
  mediaType: optional(text),
  artifactType: optional(text),
  subject: optional(descriptorSchema()),
  annotations: optional(textMap),
})

/** An image manifest. */
export const manifestSchema: () => Schema = lazily(() =>
  object({ ...common(), config: descriptorSchema(), layers: descriptors(LIMITS.layers) }),
)

/** An image index or Docker manifest list. */
export const indexSchema: () => Schema = lazily(() => object({ ...common(), manifests: descriptors(LIMITS.manifests) }))

const healthcheck = (): Schema =>
  object({
    Test: optional(texts),
    Interval: optional(count),
    Timeout: optional(count),
    StartPeriod: optional(count),
    StartInterval: optional(count),
    Retries: optional(count),
  })

const containerConfig = (): Schema =>
  object({
    User: optional(text),
    ExposedPorts: optional(set),
    Env: optional(texts),
    Entrypoint: optional(texts),
    Cmd: optional(texts),
    Volumes: optional(set),
    WorkingDir: optional(text),
    Labels: optional(textMap),
    StopSignal: optional(text),
    ArgsEscaped: optional(flag),
    Healthcheck: optional(healthcheck()),
    OnBuild: optional(texts),
    Shell: optional(texts),
  })

const historyEntry = (): Schema =>
  object({
    created: optional(time),
    created_by: optional(text),
    author: optional(text),
    comment: optional(text),
    empty_layer: optional(flag),
  })

/** An image configuration. */
export const configSchema: () => Schema = lazily(() =>
  object({
    created: optional(time),
    author: optional(text),
    architecture: text,
    os: text,
    variant: optional(text),
    'os.version': optional(text),
    'os.features': optional(texts),
    config: optional(containerConfig()),
    rootfs: object({
      type: v.literal('layers', "must be 'layers'"),
      diff_ids: optional(atMost(LIMITS.layers, v.array(digest, 'must be a list of digests'))),
    }),
    history: optional(atMost(LIMITS.history, v.array(historyEntry(), 'must be a list of objects'))),
  }),
)

/** What is wrong with `value`, with the place, or `undefined` when nothing is: "layers.0.size must not be negative". */
export function violation(schema: Schema, value: unknown): string | undefined {
  const { issues } = v.safeParse(schema, value, { abortEarly: true })
  if (!issues) return undefined
  const place = v.getDotPath(issues[0])
  return place === null ? issues[0].message : `${place} ${issues[0].message}`
}
