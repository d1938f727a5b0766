import type { Outbox } from '../events/outbox.ts'
import type { PartContext } from '../parts.ts'
import { upstreamGauges } from '../proxy/gauges.ts'
import type { Keepers } from '../upkeep/keepers.ts'
import type { Gauged } from './metrics.ts'

/** The figures of the server's parts: uploads, hooks and upstreams; of a folder also what it holds and what is collected. */
export function gaugesOf(context: PartContext, outbox: Outbox, keepers: Keepers | undefined): Gauged[] {
  const { database } = context
  return [
    {
      name: 'slipway_registry_uploads',
      about: 'Uploads under way.',
      read: numberOf(database, 'SELECT count(*) AS n FROM uploads'),
    },
    ...hookGauges(outbox),
    ...upstreamGauges(context.upstreams),
    ...(keepers ? [...contentGauges(database), ...keeperGauges(keepers)] : []),
  ]
}

type Database = PartContext['database']

/** The number `n` that a query answers; 0 for none. */
function numberOf(database: Database, sql: string): () => number {
  return () => database.get<{ n: number | null }>(sql)?.n ?? 0
}

function hookGauges(outbox: Outbox): Gauged[] {
  const byHook = (key: 'waiting' | 'delivered' | 'dropped') => () =>
    outbox.state().map((state) => ({ labels: { hook: state.name }, value: state[key] }))
  return [
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
}

function contentGauges(database: Database): Gauged[] {
  const gauge = (name: string, about: string, sql: string): Gauged => ({ name, about, read: numberOf(database, sql) })
  return [
    gauge('slipway_registry_repositories', 'Repositories.', 'SELECT count(*) AS n FROM repositories'),
    gauge('slipway_registry_manifests', 'Manifests.', 'SELECT count(*) AS n FROM manifests'),
    gauge('slipway_registry_blobs', 'Blobs.', 'SELECT count(*) AS n FROM blobs'),
    gauge('slipway_registry_blob_bytes', 'Bytes of blobs on the disk.', 'SELECT sum(size) AS n FROM blobs'),
  ]
}

function keeperGauges({ gc, scrub }: Keepers): Gauged[] {
  return [
    {
      name: 'slipway_registry_gc_waiting_bytes',
      about: 'Bytes that nothing needs and collection will take.',
      read: () => gc.state().waiting.bytes,
    },
    {
      name: 'slipway_registry_gc_freed_bytes_total',
      about: 'Bytes that collection has freed.',
      kind: 'counter',
      read: () => gc.state().total.bytes,
    },
    {
      name: 'slipway_registry_gc_manifests_total',
      about: 'Manifests that collection has taken.',
      kind: 'counter',
      read: () => gc.state().total.manifests,
    },
    {
      name: 'slipway_registry_damaged_blobs',
      about: 'Blobs that the disk has lost.',
      read: () => scrub.damaged().length,
    },
  ]
}
