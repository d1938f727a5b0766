import * as v from 'valibot'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** The table `[limits]` of the configuration. */
export interface LimitsConfig {
  /** Bytes of one blob. */
  blob?: number | undefined
  /** Bytes of one manifest; the protocol asks for 4 MiB at least. */
  manifest?: number | undefined
  /** Entries of one page of a list. */
  page?: number | undefined
  /** Hours after which an upload that nothing came for is dropped. */
  upload_hours?: number | undefined
  /** Seconds that a stopping server waits for requests in flight. */
  stop_seconds?: number | undefined
}

/** Judges `[limits]`. */
export const limitsSchema: v.GenericSchema<unknown, LimitsConfig> = v.strictObject({
  blob: v.optional(count),
  manifest: v.optional(v.pipe(count, v.minValue(4_194_304, 'must be 4194304 at least'))),
  page: v.optional(count),
  upload_hours: v.optional(count),
  stop_seconds: v.optional(count),
})

/** What requests may ask for at most. */
export interface ServerLimits {
  /** Bytes of one blob. */
  readonly blob: number
  /** Bytes of one manifest. */
  readonly manifest: number
  /** Blobs and manifests that one manifest may name. */
  readonly references: number
  /** Tags that one push may give. */
  readonly tags: number
  /** Entries of one page of a list. */
  readonly page: number
  /** Bytes of all headers of a request. */
  readonly headers: number
  /** Bytes of the path and query of a request. */
  readonly url: number
  /** Milliseconds after which an upload that nothing came for is dropped. */
  readonly uploadAge: number
  /** Milliseconds that a stopping server waits for requests in flight. */
  readonly stop: number
}

const HOUR = 3_600_000

/** Well above what any real client needs. */
export const DEFAULT_LIMITS: ServerLimits = {
  blob: 1024 ** 4,
  manifest: 4_194_304,
  references: 10_000,
  tags: 100,
  page: 1000,
  headers: 32_768,
  url: 16_384,
  uploadAge: 24 * HOUR,
  stop: 30_000,
}

/** The limits with what a configuration changes. */
export function limitsFrom(config: LimitsConfig = {}): ServerLimits {
  const { blob, manifest, page, upload_hours, stop_seconds } = config
  return {
    ...DEFAULT_LIMITS,
    ...(blob === undefined ? {} : { blob }),
    ...(manifest === undefined ? {} : { manifest }),
    ...(page === undefined ? {} : { page }),
    ...(upload_hours === undefined ? {} : { uploadAge: upload_hours * HOUR }),
    ...(stop_seconds === undefined ? {} : { stop: stop_seconds * 1000 }),
  }
}
