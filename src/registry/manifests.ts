import { type Digest, fail, hasCode, type Job } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { Connection } from './connection.ts'
import { aboutRef } from './documents.ts'
import { headerOf } from './http/redirect.ts'
import type { Route } from './route.ts'

/** A manifest or index with its bytes. */
export interface Document {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

/**
 * Stores a manifest under a tag or its digest: exactly these bytes. Returns whether the registry lists it as a referrer of
 * its subject itself. Fails with `BLOB_NOT_FOUND` when the registry lacks what the manifest names, and with `CONTENT_MISMATCH`.
 */
export async function putManifest(
  server: Connection,
  route: Route,
  { ref, ifMatch }: { ref: string; ifMatch?: string | undefined },
  { descriptor, bytes }: Document,
  job: Job,
): Promise<{ knowsSubject: boolean }> {
  const reply = await server.ask(
    {
      method: 'PUT',
      to: `/${server.endpoint.repository}/manifests/${ref}`,
      headers: { 'content-type': descriptor.mediaType, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) },
      body: bytes,
      scopes: route.scopes(server, 'pull', 'push'),
      about: aboutRef(route, ref, true),
      expects: [201, 200, 202],
    },
    job,
  )
  const stored = headerOf(reply, 'docker-content-digest')
  if (stored !== undefined && stored !== descriptor.digest) {
    throw fail('CONTENT_MISMATCH', `the registry stored ${stored.slice(0, 200)} in place of ${descriptor.digest}`)
  }
  return { knowsSubject: headerOf(reply, 'oci-subject') !== undefined }
}

/** Deletes a tag, or a manifest with its tags. Fails with `IMAGE_NOT_FOUND`, and with `REGISTRY_UNSUPPORTED` where that is not allowed. */
export async function deleteManifest(server: Connection, route: Route, ref: string | Digest, job: Job): Promise<void> {
  await server.ask(
    {
      method: 'DELETE',
      to: `/${server.endpoint.repository}/manifests/${ref}`,
      scopes: route.scopes(server, 'pull', 'delete'),
      about: aboutRef(route, ref, true),
      expects: [202, 200, 204],
    },
    job,
  )
}

/** Whether a registry does not do this at all. */
export function isUnsupported(error: unknown): boolean {
  return hasCode(error, 'REGISTRY_UNSUPPORTED') || (hasCode(error, 'CONTENT_MISMATCH') && error.data['status'] === 400)
}
