import { apiPlugin } from '../api/api.ts'
import type { RegistryConfig } from '../config.ts'
import { type Audit, createAudit } from '../events/audit.ts'
import { EVENT_ACTIONS } from '../events/event.ts'
import { forgetOtherHooks, type Hook, type Outbox, openOutbox } from '../events/outbox.ts'
import { createRecorder, type Recorder } from '../events/recorder.ts'
import type { RegistryExtensions } from '../extensions.ts'
import type { FolderStorage } from '../folder/folder.ts'
import { gaugesOf } from '../ops/gauges.ts'
import { createMetrics } from '../ops/metrics.ts'
import { opsPlugin } from '../ops/ops.ts'
import { logRequest } from '../ops/request-log.ts'
import type { PartContext } from '../parts.ts'
import { parsePattern } from '../pattern.ts'
import type { RegistryStorage } from '../storage.ts'
import { createImageFacts } from './image-facts.ts'
import { createKeepers, type Keepers, taskWork } from './keepers.ts'
import { createPolicies, type Policies } from './policies.ts'
import type { Scrub } from './scrub.ts'
import type { WebhookConfig } from './settings.ts'
import { serveTasks } from './tasks.ts'
import { Timers } from './timers.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

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
  { config, database, url }: Pick<PartContext, 'config' | 'database' | 'url'>,
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
  const keepers = isFolder(storage) ? createKeepers(storage, { config, isImmutable: policies.isImmutable }) : undefined
  return { policies, audit, outbox, recorder, keepers }
}

/** The part of the server that keeps it in order and tells what happens: see `registry-upkeep.md` of the guide. */
export function upkeepPart(context: PartContext): RegistryExtensions {
  const { config, storage, database, folder, authorize } = context
  const upkeep = openUpkeep(storage, context)
  const { policies, outbox, recorder, keepers } = upkeep
  forgetOtherHooks(database, outbox.hooks)
  const metrics = createMetrics(gaugesOf(context, outbox, keepers))
  const timers = startTimers(upkeep, config)
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
    plugins: [opsPlugin({ metrics, database, folder, authorize }), ...apiOf(context, upkeep)],
    async close() {
      await timers.stop()
      await keepers?.scrub.close()
      await tasks[Symbol.asyncDispose]()
      recorder.flush()
      await outbox.close()
    },
  }
}

/** The JSON API of a folder. */
function apiOf({ config, storage, authorize, upstreams }: PartContext, upkeep: Upkeep): ReturnType<typeof apiPlugin>[] {
  const { policies, audit, outbox, keepers } = upkeep
  if (!isFolder(storage) || !keepers) return []
  const facts = createImageFacts(storage)
  storage.listen(facts.listener)
  const canDelete = config.delete ?? true
  return [apiPlugin({ storage, keepers, policies, audit, outbox, facts, authorize, upstreams, canDelete, config })]
}

/** What is done again and again while the server runs. */
function startTimers({ audit, keepers }: Upkeep, config: RegistryConfig): Timers {
  const { every: scrubEvery = 7 * DAY, rate = 20_000_000 } = config.scrub ?? {}
  const timers = new Timers()
  timers.every(HOUR, () => audit.expire())
  if (!keepers) return timers
  timers.every(config.gc?.every ?? MINUTE, () => keepers.gc.run())
  if (keepers.retention.rules.length > 0) timers.every(config.retention_every ?? HOUR, () => keepers.retention.run())
  if (scrubEvery > 0) timers.every(HOUR, () => scrubWhenDue(keepers.scrub, scrubEvery, rate))
  return timers
}

/** The local store of this machine has its own collection, and no tables of repositories. */
function isFolder(storage: RegistryStorage): storage is FolderStorage {
  return 'dropBlob' in storage
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
