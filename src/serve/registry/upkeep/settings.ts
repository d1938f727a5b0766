import * as v from 'valibot'
import { EVENT_ACTIONS, type EventAction } from '../events/event.ts'
import { type Pattern, parsePattern } from '../pattern.ts'
import { parseAmount, parseSpan } from './quantities.ts'

/** A schema for text that means something else: what it means is the output. */
function meaning<T>(read: (text: string) => T | undefined, expected: string): v.GenericSchema<string, T> {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value)
      if (value !== undefined) return value
      addIssue({ message: `must be ${expected}` })
      return NEVER
    }),
  )
}

const span = meaning(parseSpan, 'a time such as "90s", "12h", "7d"')
const amount = meaning(parseAmount, 'a size such as "500MB", "10GiB"')
const pattern = meaning(parsePattern, 'a pattern such as "team/**", "v*"')
const patterns = v.array(pattern)
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** The table `[gc]`: what is collected, and how long it is left alone before. Times are milliseconds. */
export interface GcConfig {
  /** Between two looks at what is due. */
  every?: number | undefined
  /** Between the last use of a blob in a push and its collection. */
  blob_grace?: number | undefined
  /** Between the loss of a manifest's last tag and its collection. */
  manifest_grace?: number | undefined
  /** Whether manifests without a tag are collected, where nothing else names them. */
  untagged?: boolean | undefined
}

/** An entry of `[[retention]]`. */
export interface RetentionConfig {
  repositories: Pattern[]
  keep: KeepConfig[]
}

/** An entry of `[[retention.keep]]`. */
export interface KeepConfig {
  tags: Pattern[]
  except?: Pattern[] | undefined
  pushed_within?: number | undefined
  pulled_within?: number | undefined
  last_pushed?: number | undefined
  last_pulled?: number | undefined
}

/** An entry of `[[immutable]]`: tags that never change once they are there. */
export interface ImmutableConfig {
  repositories: Pattern[]
  tags: Pattern[]
  except?: Pattern[] | undefined
}

/** An entry of `[[quota]]`: bytes for each of the namespaces, or for each of the repositories. */
export interface QuotaConfig {
  namespaces?: Pattern[] | undefined
  repositories?: Pattern[] | undefined
  limit: number
}

/** The table `[scrub]`: reading all blobs again, to find damage. */
export interface ScrubConfig {
  /** Milliseconds between two passes over everything; 0 switches it off. */
  every?: number | undefined
  /** Bytes per second that are read at most. */
  rate?: number | undefined
}

/** An entry of `[[webhook]]`. */
export interface WebhookConfig {
  name: string
  url: string
  events?: EventAction[] | undefined
  repositories?: Pattern[] | undefined
  format?: 'docker' | 'cloudevents' | undefined
  /** Signs what is sent. */
  secret?: string | undefined
  headers?: Record<string, string> | undefined
  timeout?: number | undefined
}

/** The table `[audit]`. */
export interface AuditConfig {
  /** How long records are kept, in milliseconds. */
  keep?: number | undefined
  /** Whether pulls are recorded too. */
  pulls?: boolean | undefined
}

/** The table `[log]`. */
export interface LogConfig {
  /** Whether each request is a line of JSON on stderr; failures of the registry itself always are. */
  access?: boolean | undefined
}

/** The tables of the configuration that are about upkeep. */
export interface UpkeepConfig {
  gc?: GcConfig | undefined
  /** Milliseconds between two looks at the retention rules. */
  retention_every?: number | undefined
  retention?: RetentionConfig[] | undefined
  immutable?: ImmutableConfig[] | undefined
  quota?: QuotaConfig[] | undefined
  scrub?: ScrubConfig | undefined
  webhook?: WebhookConfig[] | undefined
  audit?: AuditConfig | undefined
  log?: LogConfig | undefined
}

const keep = v.strictObject({
  tags: patterns,
  except: v.optional(patterns),
  pushed_within: v.optional(span),
  pulled_within: v.optional(span),
  last_pushed: v.optional(count),
  last_pulled: v.optional(count),
})

const quota = v.pipe(
  v.strictObject({ namespaces: v.optional(patterns), repositories: v.optional(patterns), limit: amount }),
  v.check(
    ({ namespaces, repositories }) => (namespaces === undefined) !== (repositories === undefined),
    'needs either namespaces or repositories',
  ),
)

const webhook = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be letters, digits, ".", "_" and "-"')),
  url: v.pipe(v.string(), v.url(), v.regex(/^https?:/, 'must be an http or https URL')),
  events: v.optional(v.array(v.picklist(EVENT_ACTIONS))),
  repositories: v.optional(patterns),
  format: v.optional(v.picklist(['docker', 'cloudevents'])),
  secret: v.optional(v.pipe(v.string(), v.minLength(1))),
  headers: v.optional(v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]+$/)), v.string())),
  timeout: v.optional(span),
})

/** Entries of the configuration's schema: one for each key of `UpkeepConfig`. */
export const UPKEEP_ENTRIES: { [K in keyof UpkeepConfig]-?: v.GenericSchema<unknown, UpkeepConfig[K]> } = {
  gc: v.optional(
    v.strictObject({
      every: v.optional(span),
      blob_grace: v.optional(span),
      manifest_grace: v.optional(span),
      untagged: v.optional(v.boolean()),
    }),
  ),
  retention_every: v.optional(span),
  retention: v.optional(v.array(v.strictObject({ repositories: patterns, keep: v.array(keep) }))),
  immutable: v.optional(
    v.array(v.strictObject({ repositories: patterns, tags: patterns, except: v.optional(patterns) })),
  ),
  quota: v.optional(v.array(quota)),
  scrub: v.optional(v.strictObject({ every: v.optional(span), rate: v.optional(amount) })),
  webhook: v.optional(
    v.pipe(
      v.array(webhook),
      v.check((hooks) => new Set(hooks.map(({ name }) => name)).size === hooks.length, 'names must differ'),
    ),
  ),
  audit: v.optional(v.strictObject({ keep: v.optional(span), pulls: v.optional(v.boolean()) })),
  log: v.optional(v.strictObject({ access: v.optional(v.boolean()) })),
}
