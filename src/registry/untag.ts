import { bytesOf, type Job } from '../core/index.ts'
import { type Descriptor, descriptorOf, MEDIA, writeManifest } from '../oci/index.ts'
import type { Connection } from './connection.ts'
import { fetchDocument } from './documents.ts'
import { deleteManifest, isUnsupported, putManifest } from './manifests.ts'
import type { Route } from './route.ts'
import { uploadBlob } from './upload.ts'

/**
 * Takes a tag away. Registries that only delete manifests, and those with all their tags, are helped: the tag goes to a manifest
 * made for this, and that is deleted. Fails with `IMAGE_NOT_FOUND`, and with `REGISTRY_UNSUPPORTED` where nothing may be deleted.
 */
export async function untagRemote(server: Connection, route: Route, tag: string, job: Job): Promise<void> {
  try {
    await deleteManifest(server, route, tag, job)
  } catch (error) {
    if (!isUnsupported(error)) throw error
    await untagByReplacing(server, route, tag, job)
  }
}

async function untagByReplacing(server: Connection, route: Route, tag: string, job: Job): Promise<void> {
  const original = await fetchDocument(server, route, tag, job)
  const decoy = await writeDecoy(server, route, job)
  const { digest } = decoy.descriptor
  // first without the tag: where nothing may be deleted, it must not be left on the wrong manifest
  await putManifest(server, route, { ref: digest }, decoy, job)
  await deleteManifest(server, route, digest, job)
  await putManifest(server, route, { ref: tag }, decoy, job)
  try {
    await deleteManifest(server, route, digest, job)
  } catch (error) {
    await putManifest(server, route, { ref: tag }, original, { progress: (event) => job.progress(event) })
    throw error
  }
}

/** A manifest that nobody else has. */
async function writeDecoy(
  server: Connection,
  route: Route,
  job: Job,
): Promise<{ descriptor: Descriptor; bytes: Buffer }> {
  const empty = Buffer.from('{}')
  const config = descriptorOf(empty, MEDIA.ociEmpty)
  await uploadBlob(server, route, config, bytesOf(empty), {}, job)
  return writeManifest({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    artifactType: 'application/vnd.slipway.untag.v1',
    config,
    layers: [],
    annotations: { 'org.opencontainers.image.created': new Date().toISOString(), nonce: crypto.randomUUID() },
  })
}
