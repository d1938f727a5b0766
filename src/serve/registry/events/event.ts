import type { Digest } from '../../../core/index.ts'

/** What can happen to content of a registry that others may want to hear of. */
export type EventAction = 'push' | 'pull' | 'delete' | 'mount'

/** Every action there is. */
export const EVENT_ACTIONS: readonly EventAction[] = ['push', 'pull', 'delete', 'mount']

/** Who did it, from where. */
export interface EventOrigin {
  /** The user's name; empty for anonymous. */
  actor: string
  /** The address it came from; empty for what the registry does on its own. */
  address: string
  userAgent: string
  method: string
  /** The registry's name as the client knows it (`Host`). */
  host: string
  /** The number of the request, to find it in the log. */
  requestId: string
}

/** Something that happened to content. */
export interface RegistryEvent {
  id: string
  /** Unix milliseconds. */
  time: number
  action: EventAction
  repository: string
  /** Absent when a tag was deleted: the content stays. */
  digest?: Digest
  tag?: string
  mediaType?: string
  size?: number
  /** For `mount`: the repository that the blob was taken from. */
  fromRepository?: string
  origin: EventOrigin
}

/** The origin of what the registry does on its own: retention, collection. */
export function ownOrigin(actor: string): EventOrigin {
  return { actor, address: '', userAgent: '', method: '', host: '', requestId: '' }
}
