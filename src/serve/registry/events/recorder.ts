import { randomUUID } from 'node:crypto'
import type { FinishedRequest } from '../extensions.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import { currentOrigin } from '../origin.ts'
import type { Change, ChangeListener } from '../storage.ts'
import type { Audit } from './audit.ts'
import { type EventOrigin, ownOrigin, type RegistryEvent } from './event.ts'
import type { Outbox } from './outbox.ts'

/** Milliseconds between writes of what pulls leave, and how many are kept until then. */
const STEP = 1000
const MOST = 1000

/** Turns what happens into events for hooks and records for the audit log. */
export interface Recorder {
  /** Writes both in the transaction of the change: they are there exactly if it is. */
  readonly listener: ChangeListener
  /** Pulls and refusals, which change nothing: gathered, and written every second. */
  finished(request: FinishedRequest): void
  /** Writes what was gathered. */
  flush(): void
}

export function createRecorder(db: RegistryDatabase, outbox: Outbox, audit: Audit): Recorder {
  let gathered: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const writes = gathered
    gathered = []
    if (writes.length > 0) db.transaction(() => writes.forEach((write) => void write()))
  }
  const later = (write: () => void): void => {
    if (gathered.length >= MOST) flush()
    gathered.push(write)
    timer ??= setTimeout(flush, STEP).unref()
  }
  return {
    flush,
    listener: {
      after(change) {
        const origin = originOf(change.by)
        for (const event of eventsOf(change, origin)) outbox.add(event)
        for (const [action, reference, detail] of recordsOf(change)) {
          const { actor, address: remote } = origin
          audit.add({ actor, action, repository: change.repository, reference, outcome: 'done', remote, detail })
        }
      },
    },
    finished(request) {
      if (request.status === 403) later(() => audit.add(refusalOf(request)))
      const isPull = request.route === 'manifest' && request.method === 'GET' && request.status === 200
      if (!isPull || !(outbox.wants('pull') || audit.pulls)) return
      const time = Date.now()
      later(() => recordPull(request, time, { db, outbox, audit }))
    },
  }
}

function originOf(by: string | undefined): EventOrigin {
  const origin = currentOrigin()
  return origin ? { actor: by ?? '', requestId: '', ...origin } : ownOrigin(by ?? '')
}

function eventsOf(change: Change, origin: EventOrigin): RegistryEvent[] {
  const event = (rest: Pick<RegistryEvent, 'action'> & Partial<RegistryEvent>): RegistryEvent => ({
    id: randomUUID(),
    time: Date.now(),
    repository: change.repository,
    origin,
    ...rest,
  })
  switch (change.kind) {
    case 'manifest-put': {
      const { digest, mediaType, bytes } = change.manifest
      const about = { action: 'push', digest, mediaType, size: bytes.length } as const
      if (change.tags.length === 0) return [event(about)]
      return change.tags.map(({ name }) => event({ ...about, tag: name }))
    }
    case 'manifest-deleted':
      return [event({ action: 'delete', digest: change.digest })]
    case 'tag-deleted':
      return [event({ action: 'delete', tag: change.tag })]
    case 'blob-linked': {
      const { digest, size, from } = change
      return from === undefined ? [] : [event({ action: 'mount', digest, size, fromRepository: from })]
    }
    default:
      return []
  }
}

/** Action, what it was done to, and more about it. Blobs come and go with manifests and are not recorded. */
function recordsOf(change: Change): [action: string, reference: string, detail: string | undefined][] {
  switch (change.kind) {
    case 'manifest-put': {
      const { digest } = change.manifest
      if (change.tags.length === 0) return [['push', digest, undefined]]
      return change.tags.map(({ name, previous }) => [
        'push',
        name,
        previous === digest ? digest : wasText(digest, previous),
      ])
    }
    case 'manifest-deleted':
      return [['delete', change.digest, change.tags.join(' ') || undefined]]
    case 'tag-deleted':
      return [['untag', change.tag, change.digest]]
    default:
      return []
  }
}

function wasText(digest: string, previous: string | undefined): string {
  return previous === undefined ? digest : `${digest}, was ${previous}`
}

function refusalOf({ method, path, repository, user = '', remote }: FinishedRequest): Parameters<Audit['add']>[0] {
  return { actor: user, action: method, repository, reference: path.slice(0, 500), outcome: 'denied', remote }
}

function recordPull(
  { path, repository = '', user = '', remote, userAgent = '', method }: FinishedRequest,
  time: number,
  { db, outbox, audit }: { db: RegistryDatabase; outbox: Outbox; audit: Audit },
): void {
  const reference = path.slice(path.lastIndexOf('/') + 1)
  if (audit.pulls) audit.add({ actor: user, action: 'pull', repository, reference, outcome: 'done', remote })
  if (!outbox.wants('pull')) return
  const isTag = !reference.includes(':')
  const row = db.get<Pick<Required<RegistryEvent>, 'digest' | 'mediaType' | 'size'>>(
    `SELECT m.digest, m.media_type AS mediaType, m.size FROM repositories r JOIN manifests m ON m.repo = r.id
     WHERE r.name = ?1 AND m.digest = ${isTag ? '(SELECT digest FROM tags t WHERE t.repo = r.id AND t.name = ?2)' : '?2'}`,
    ...[repository, reference],
  )
  if (!row) return
  const origin = { actor: user, address: remote, userAgent, method, host: '', requestId: '' }
  outbox.add({
    id: randomUUID(),
    time,
    action: 'pull',
    repository,
    ...row,
    ...(isTag ? { tag: reference } : {}),
    origin,
  })
}
