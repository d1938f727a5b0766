import type { EventAction, RegistryEvent } from './event.ts'

/** How a hook wants to be told: docker-distribution's envelope, or CloudEvents 1.0 (structured mode). */
export type HookFormat = 'docker' | 'cloudevents'

/** A request body with its type. */
export interface Envelope {
  contentType: string
  body: string
}

/** Who tells it. */
export interface Teller {
  /** `host:port` under which the registry listens. */
  address: string
  /** Changes with every start, as `source.instanceID` of docker-distribution does. */
  instance: string
}

/** The event as a hook is told it. Events that stand for the same thing have the same `id` in every attempt. */
export function envelopeOf(event: RegistryEvent, format: HookFormat, teller: Teller): Envelope {
  const [contentType, document] =
    format === 'docker'
      ? ['application/vnd.docker.distribution.events.v1+json', { events: [dockerEvent(event, teller)] }]
      : ['application/cloudevents+json; charset=utf-8', cloudEvent(event, teller)]
  return { contentType, body: JSON.stringify(document) }
}

/** As docker-distribution writes it (`notifications/event.go`): absent fields are absent, `length` repeats `size`. */
function dockerEvent(event: RegistryEvent, { address, instance }: Teller): object {
  const { id, time, action, digest, repository, tag, mediaType, size, fromRepository, origin } = event
  const target = {
    mediaType,
    size,
    digest,
    length: size,
    repository,
    fromRepository,
    url: digest && origin.host ? `http://${origin.host}/v2/${repository}/${kindOf(action)}/${digest}` : undefined,
    tag,
  }
  const request = {
    id: origin.requestId,
    addr: origin.address,
    host: origin.host,
    method: origin.method,
    useragent: origin.userAgent,
  }
  return {
    id,
    timestamp: new Date(time).toISOString(),
    action,
    target,
    request: origin.method ? request : {},
    actor: origin.actor ? { name: origin.actor } : {},
    source: { addr: address, instanceID: instance },
  }
}

function kindOf(action: EventAction): string {
  return action === 'mount' ? 'blobs' : 'manifests'
}

/** CloudEvents 1.0, section "Context Attributes"; `subject` is what Docker would call the image. */
function cloudEvent(event: RegistryEvent, { address }: Teller): object {
  const { id, time, action, origin, ...about } = event
  const { repository, tag, digest } = event
  return {
    specversion: '1.0',
    id,
    source: `//${origin.host || address}/v2/${repository}`,
    type: `dev.slipway.registry.${action}`,
    subject: tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`,
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    data: { action, ...about, actor: origin.actor, address: origin.address },
  }
}
