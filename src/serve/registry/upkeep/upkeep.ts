import { apiPlugin } from '../api/api.ts'
import type { RegistryConfig } from '../config.ts'
import { type Audit, createAudit } from '../events/audit.ts'
import { EVENT_ACTIONS } from '../events/event.ts'
import { forgetOtherHooks, type Hook, type Outbox, openOutbox } from '../events/outbox.ts'
import { createRecorder, type Recorder } from '../events/recorder.ts'
import type { FinishedRequest, RegistryExtensions } from '../extensions.ts'
import type { FolderStorage } from '../folder/folder.ts'
import { limitsFrom } from '../limits.ts'
import { createMetrics, type Gauged } from '../ops/metrics.ts'
import { opsPlugin } from '../ops/ops.ts'
import type { PartContext } from '../parts.ts'
import { parsePattern } from '../pattern.ts'
import { upstreamGauges } from '../proxy/gauges.ts'

import type { RegistryStorage } from '../storage.ts'
import { createFollowers } from './followers.ts'
import { createGc, type Gc, type GcRules } from './gc.ts'
import { createImageFacts } from './image-facts.ts'
import { createPolicies, type Policies } from './policies.ts'
import { createRetention, type Retention, type RetentionReport } from './retain.ts'
import type { RetentionRule } from './retention.ts'
import { createScrub, type Scrub } from './scrub.ts'
import type { RetentionConfig, WebhookConfig } from './settings.ts'
import { serveTasks } from './tasks.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Collection, retention and scrub of a folder, as the configuration wants them. */
export interface Keepers {
  gc: Gc
  retention: Retention
  scrub: Scrub
}

interface KeepersOptions {
  config: RegistryConfig
  isImmutable: (repository: string, tag: string) => boolean
  knownSince: number | undefined
}

/** Those that keep a folder in order. They listen to its changes from now on. */
function createKeepers(storage: FolderStorage, { config, isImmutable, knownSince }: KeepersOptions): Keepers {
  storage.listen(createFollowers(storage.database))
  return {
    gc: createGc(storage, { ...gcRules(config), ...(knownSince === undefined ? {} : { knownSince }) }),
    retention: createRetention(storage, (config.retention ?? []).map(retentionRule), isImmutable),
    scrub: createScrub(storage, gcRules(config)),
  }
}

/** How collection is set, with what is usual where the configuration says nothing. */
export function gcRules({ gc = {}, limits }: Pick<RegistryConfig, 'gc' | 'limits'>): GcRules {
  return {
    blobGrace: gc.blob_grace ?? HOUR,
    manifestGrace: gc.manifest_grace ?? DAY,
    untagged: gc.untagged ?? true,
    uploadAge: limitsFrom(limits).uploadAge,
  }
}

/** How long a folder leaves alone what may be garbage. */
export function graceOf(config: RegistryConfig): { blobs: number; manifests: number } {
  const { blobGrace, manifestGrace } = gcRules(config)
  return { blobs: blobGrace, manifests: manifestGrace }
}

/** All that looks after one storage. */
export interface Upkeep {
  policies: Policies
  audit: Audit
  outbox: Outbox
  recorder: Recorder
  /** Absent where the images are those of the local store, which has a collection of its own. */
  keepers: Keepers | undefined
}

/** What guards and records the changes of a storage, and what keeps it in order when it is told to. */
export function openUpkeep(
  storage: RegistryStorage,
  { config, database, url, knownSince }: Pick<PartContext, 'config' | 'database' | 'url'> & { knownSince?: number },
): Upkeep {
  const policies = createPolicies(database, config)
  const audit = createAudit(database, { keep: config.audit?.keep ?? 90 * DAY, pulls: config.audit?.pulls ?? false })
  const outbox = openOutbox(database, (config.webhook ?? []).map(hookOf), () => ({
    address: url().replace(/^\w+:\/\//, ''),
    isSecure: (config.access?.url ?? url()).startsWith('https:'),
  }))
  const recorder = createRecorder(database, outbox, audit)
  storage.listen(policies.listener)
  storage.listen(recorder.listener)
  const keepers = isFolder(storage)
    ? createKeepers(storage, { config, isImmutable: policies.isImmutable, knownSince })
    : undefined
  return { policies, audit, outbox, recorder, keepers }
}

/** The part of the server that keeps it in order and tells what happens: see `registry-upkeep.md` of the guide. */
export function upkeepPart(context: PartContext): RegistryExtensions {
  const { config, storage, database, folder, authorize } = context
  const { every: scrubEvery = 7 * DAY, rate = 20_000_000 } = config.scrub ?? {}
  const { policies, audit, outbox, recorder, keepers } = openUpkeep(storage, {
    ...context,
    // clients of a server that was killed are still about to need what it told them is there
    knownSince: Date.now(),
  })
  forgetOtherHooks(database, outbox.hooks)
  const facts = isFolder(storage) ? createImageFacts(storage) : undefined
  if (facts) storage.listen(facts.listener)
  const metrics = createMetrics(gaugesOf(context, outbox, keepers))
  const timers = new Timers()
  timers.every(HOUR, () => audit.expire())
  if (keepers) {
    timers.every(config.gc?.every ?? MINUTE, () => keepers.gc.run())
    if (keepers.retention.rules.length > 0) timers.every(config.retention_every ?? HOUR, () => keepers.retention.run())
    if (scrubEvery > 0) timers.every(HOUR, () => scrubWhenDue(keepers.scrub, scrubEvery, rate))
  }
  const tasks = serveTasks(database, keepers ? taskWork(keepers) : {})
  const { access = false } = config.log ?? {}
  return {
    accept: policies.checkSpace,
    finished(request) {
      metrics.request(request.route ?? 'other', request.method, request.status, request.duration / 1000)
      metrics.received(request.bytesReceived)
      metrics.sent(request.bytesSent)
      recorder.finished(request)
      if (access || request.status >= 500) logRequest(request)
    },
    plugins: [
      opsPlugin({ metrics, database, folder, authorize }),
      ...(isFolder(storage) && keepers && facts
        ? [
            apiPlugin({
              storage,
              keepers,
              policies,
              audit,
              outbox,
              facts,
              authorize,
              upstreams: context.upstreams,
              canDelete: config.delete ?? true,
              config,
            }),
          ]
        : []),
    ],
    async close() {
      await timers.stop()
      await keepers?.scrub.close()
      await tasks[Symbol.asyncDispose]()
      recorder.flush()
      await outbox.close()
    },
  }
}

/** What commands may ask for while the server has the folder. */
export function taskWork({ gc, retention, scrub }: Keepers): Parameters<typeof serveTasks>[1] {
  return {
    gc: () => gc.run(),
    'gc-preview': () => gc.preview(),
    retention: () => retention.run(),
    'retention-preview': () => reportsOf(retention),
    scrub: () => scrub.run(),
  }
}

/** All that retention says at this moment. */
export async function reportsOf(retention: Retention): Promise<RetentionReport[]> {
  const reports: RetentionReport[] = []
  for await (const report of retention.preview()) reports.push(report)
  return reports
}

/** The local store of this machine has its own collection, and no tables of repositories. */
function isFolder(storage: RegistryStorage): storage is FolderStorage {
  return 'dropBlob' in storage
}

function retentionRule({ repositories, keep }: RetentionConfig): RetentionRule {
  return {
    repositories,
    keepTags: keep.map(({ tags, except = [], ...rest }) => ({
      tags,
      except,
      ...(rest.pushed_within === undefined ? {} : { pushedWithin: rest.pushed_within }),
      ...(rest.pulled_within === undefined ? {} : { pulledWithin: rest.pulled_within }),
      ...(rest.last_pushed === undefined ? {} : { lastPushed: rest.last_pushed }),
      ...(rest.last_pulled === undefined ? {} : { lastPulled: rest.last_pulled }),
    })),
  }
}

function hookOf({ name, url, events, repositories, format, secret, headers, timeout }: WebhookConfig): Hook {
  return {
    name,
    url,
    events: events ?? EVENT_ACTIONS.filter((action) => action !== 'pull'),
    repositories: repositories ?? [parsePattern('**')!],
    format: format ?? 'docker',
    headers: headers ?? {},
    timeout: timeout ?? 10_000,
    ...(secret === undefined ? {} : { secret }),
  }
}

async function scrubWhenDue(scrub: Scrub, every: number, rate: number): Promise<void> {
  const last = scrub.last()
  const isDue = last?.finishedAt === undefined || Date.now() - last.finishedAt >= every
  if (isDue) await scrub.run({ rate })
}

/** Work that is done again and again, one run at a time, with a time between the runs. */
class Timers {
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  every(milliseconds: number, work: () => unknown): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      const run = attempt(work).finally(() => {
        this.#running.delete(run)
        if (!this.#stopped) this.every(milliseconds, work)
      })
      this.#running.add(run)
    }, milliseconds).unref()
    this.#timers.add(timer)
  }

  /** Long runs are stopped by those who made them. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
  }
}

async function attempt(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.stderr.write(`registry: upkeep: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}

/** One line of JSON for each answer, with the keys of pino's. */
function logRequest(request: FinishedRequest): void {
  const { method, path, status, failure, user, remote, userAgent, bytesReceived, bytesSent, duration, error } = request
  const level = status >= 500 ? 50 : status >= 400 ? 40 : 30
  const ms = Math.round(duration * 1000) / 1000
  const err = error instanceof Error ? { message: error.message, stack: error.stack } : undefined
  const line = {
    level,
    time: Date.now(),
    method,
    path,
    status,
    failure,
    user,
    remote,
    userAgent,
    bytesReceived,
    bytesSent,
    ms,
    err,
  }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}

function gaugesOf({ database: db, upstreams }: PartContext, outbox: Outbox, keepers: Keepers | undefined): Gauged[] {
  const number = (sql: string) => (): number => db.get<{ n: number | null }>(sql)?.n ?? 0
  const byHook = (key: 'waiting' | 'delivered' | 'dropped') => () =>
    outbox.state().map((state) => ({ labels: { hook: state.name }, value: state[key] }))
  const gauges: Gauged[] = [
    {
      name: 'slipway_registry_uploads',
      about: 'Uploads under way.',
      read: number('SELECT count(*) AS n FROM uploads'),
    },
    {
      name: 'slipway_registry_webhook_waiting',
      about: 'Events that a hook has not been told.',
      labels: ['hook'],
      read: byHook('waiting'),
    },
    {
      name: 'slipway_registry_webhook_delivered_total',
      about: 'Events that a hook was told.',
      kind: 'counter',
      labels: ['hook'],
      read: byHook('delivered'),
    },
    {
      name: 'slipway_registry_webhook_dropped_total',
      about: 'Events that were too many or too old to be told.',
      kind: 'counter',
      labels: ['hook'],
      read: byHook('dropped'),
    },
  ]
  gauges.push(...upstreamGauges(upstreams))
  if (!keepers) return gauges
  const { gc, scrub } = keepers
  const counted = (name: string, about: string, read: () => number): Gauged => ({ name, about, kind: 'counter', read })
  return [
    ...gauges,
    {
      name: 'slipway_registry_repositories',
      about: 'Repositories.',
      read: number('SELECT count(*) AS n FROM repositories'),
    },
    { name: 'slipway_registry_manifests', about: 'Manifests.', read: number('SELECT count(*) AS n FROM manifests') },
    { name: 'slipway_registry_blobs', about: 'Blobs.', read: number('SELECT count(*) AS n FROM blobs') },
    {
      name: 'slipway_registry_blob_bytes',
      about: 'Bytes of blobs on the disk.',
      read: number('SELECT sum(size) AS n FROM blobs'),
    },
    {
      name: 'slipway_registry_gc_waiting_bytes',
      about: 'Bytes that nothing needs and collection will take.',
      read: () => gc.state().waiting.bytes,
    },
    counted('slipway_registry_gc_freed_bytes_total', 'Bytes that collection has freed.', () => gc.state().total.bytes),
    counted(
      'slipway_registry_gc_manifests_total',
      'Manifests that collection has taken.',
      () => gc.state().total.manifests,
    ),
    {
      name: 'slipway_registry_damaged_blobs',
      about: 'Blobs that the disk has lost.',
      read: () => scrub.damaged().length,
    },
  ]
}
