import { expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { envelopeOf } from './envelope.ts'
import { ownOrigin, type RegistryEvent } from './event.ts'

const digest = digestOf('x')
const teller = { address: '127.0.0.1:5000', instance: 'one' }
const pushed: RegistryEvent = {
  id: 'id-1',
  time: Date.UTC(2026, 1, 3, 4, 5, 6, 7),
  action: 'push',
  repository: 'team/app',
  tag: 'v1',
  digest,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 527,
  origin: {
    actor: 'ann',
    address: '10.0.0.1:4711',
    userAgent: 'docker/28.5',
    method: 'PUT',
    host: 'registry.example:5000',
    requestId: 'req-1',
  },
}

test("docker-distribution's envelope", () => {
  const { contentType, body } = envelopeOf(pushed, 'docker', teller)
  expect(contentType).toBe('application/vnd.docker.distribution.events.v1+json')
  expect(JSON.parse(body)).toEqual({
    events: [
      {
        id: 'id-1',
        timestamp: '2026-02-03T04:05:06.007Z',
        action: 'push',
        target: {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          size: 527,
          digest,
          length: 527,
          repository: 'team/app',
          url: `http://registry.example:5000/v2/team/app/manifests/${digest}`,
          tag: 'v1',
        },
        request: {
          id: 'req-1',
          addr: '10.0.0.1:4711',
          host: 'registry.example:5000',
          method: 'PUT',
          useragent: 'docker/28.5',
        },
        actor: { name: 'ann' },
        source: { addr: '127.0.0.1:5000', instanceID: 'one' },
      },
    ],
  })
})

test('CloudEvents', () => {
  const { contentType, body } = envelopeOf(pushed, 'cloudevents', teller)
  expect(contentType).toBe('application/cloudevents+json; charset=utf-8')
  expect(JSON.parse(body)).toEqual({
    specversion: '1.0',
    id: 'id-1',
    source: '//registry.example:5000/v2/team/app',
    type: 'dev.slipway.registry.push',
    subject: 'team/app:v1',
    time: '2026-02-03T04:05:06.007Z',
    datacontenttype: 'application/json',
    data: {
      action: 'push',
      repository: 'team/app',
      tag: 'v1',
      digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 527,
      actor: 'ann',
      address: '10.0.0.1:4711',
    },
  })
})

test('what the registry does on its own has neither request nor address', () => {
  const event: RegistryEvent = {
    id: '2',
    time: 0,
    action: 'delete',
    repository: 'a',
    digest,
    origin: ownOrigin('retention'),
  }
  expect(JSON.parse(envelopeOf(event, 'docker', teller).body).events[0]).toMatchObject({
    target: { repository: 'a', digest },
    request: {},
    actor: { name: 'retention' },
  })
  expect(JSON.parse(envelopeOf(event, 'cloudevents', teller).body)).toMatchObject({
    source: '//127.0.0.1:5000/v2/a',
    subject: `a@${digest}`,
  })
})

test('a deleted tag names no content', () => {
  const event: RegistryEvent = { id: '3', time: 0, action: 'delete', repository: 'a', tag: 't', origin: ownOrigin('x') }
  expect(JSON.parse(envelopeOf(event, 'docker', teller).body).events[0].target).toEqual({ repository: 'a', tag: 't' })
})
