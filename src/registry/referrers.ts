import { type Digest, digestHex, fail, hasCode, isDigest, type Job } from '../core/index.ts'
import {
  createIndex,
  type Descriptor,
  type ImageDocument,
  isIndexType,
  LIMITS,
  MEDIA,
  parseIndex,
  referrerEntry,
  subjectOf,
  writeIndex,
} from '../oci/index.ts'
import { type Connection, contentType } from './connection.ts'
import { askForDocument } from './documents.ts'
import { headerOf } from './http/redirect.ts'
import { putManifest } from './manifests.ts'
import { pages } from './paging.ts'
import type { Route } from './route.ts'

/** The tag that lists the referrers of a manifest where the registry does not (distribution spec, "Referrers Tag Schema"). */
export function referrersTag(subject: Digest): string {
  const [algorithm = ''] = subject.split(':')
  return `${algorithm.slice(0, 32)}-${digestHex(subject).slice(0, 64)}`.replace(/[^a-zA-Z0-9._-]/g, '-')
}

/** What refers to a manifest: as the registry lists it, else by the tag of clients. */
export async function* listReferrers(
  server: Connection,
  route: Route,
  subject: Digest,
  artifactType: string | undefined,
  job: Job,
): AsyncIterable<Descriptor> {
  const ofType = (entries: readonly Descriptor[]): readonly Descriptor[] =>
    entries.filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
  const query: [string, string][] = artifactType === undefined ? [] : [['artifactType', artifactType]]
  const question = {
    method: 'GET',
    to: `/${server.endpoint.repository}/referrers/${subject}`,
    query,
    scopes: route.scopes(server, 'pull'),
    about: route.about('repository', route.familiar()),
    expects: [200, 404, 405],
  } as const
  for await (const page of pages(server, question, job)) {
    // some that do not know the question answer it with something else
    if (page.status !== 200 || contentType(page) !== MEDIA.ociIndex) {
      yield* ofType((await readFallback(server, route, subject, job)).entries)
      return
    }
    yield* ofType(parseIndex(page.body, MEDIA.ociIndex).manifests)
  }
}

/** Whether the registry lists referrers itself. */
export async function knowsReferrers(server: Connection, route: Route, subject: Digest, job: Job): Promise<boolean> {
  const to = `/${server.endpoint.repository}/referrers/${subject}`
  const [scopes, about] = [route.scopes(server, 'pull'), route.about('repository', route.familiar())]
  const reply = await server.ask({ method: 'GET', to, scopes, about, expects: [200, 404, 405] }, job)
  return reply.status === 200 && contentType(reply) === MEDIA.ociIndex
}

/** Adds a manifest to the tag that lists the referrers of its subject. */
export async function addReferrer(
  server: Connection,
  route: Route,
  { document, descriptor }: { document: ImageDocument; descriptor: Descriptor },
  job: Job,
): Promise<void> {
  const subject = subjectOf(document)?.digest
  if (!isDigest(subject)) return
  const entry = referrerEntry(document, descriptor, subject)
  await change(
    server,
    route,
    subject,
    (entries) => {
      const isThere = entries.some(({ digest }) => digest === descriptor.digest)
      return isThere || !entry ? undefined : [...entries, entry]
    },
    job,
  )
}

/** Takes a manifest out of the tag that lists the referrers of its subject. */
export async function removeReferrer(
  server: Connection,
  route: Route,
  { subject, digest }: { subject: Digest; digest: Digest },
  job: Job,
): Promise<void> {
  await change(
    server,
    route,
    subject,
    (entries) => {
      const rest = entries.filter((entry) => entry.digest !== digest)
      return rest.length === entries.length ? undefined : rest
    },
    job,
  )
}

/** How often a list is changed anew because somebody else changed it meanwhile. */
const TRIES = 5
const underWay = new Map<string, Promise<void>>()

/** One change of a list after the other; between processes, registries that know `If-Match` see to that. */
async function change(
  server: Connection,
  route: Route,
  subject: Digest,
  edit: (entries: readonly Descriptor[]) => readonly Descriptor[] | undefined,
  job: Job,
): Promise<void> {
  const key = `${route.name.domain}/${route.name.path}@${subject}`
  const before = underWay.get(key) ?? Promise.resolve()
  const mine = before.catch(() => {}).then(() => changeNow(server, route, subject, edit, job))
  underWay.set(key, mine)
  try {
    await mine
  } finally {
    if (underWay.get(key) === mine) underWay.delete(key)
  }
}

async function changeNow(
  server: Connection,
  route: Route,
  subject: Digest,
  edit: (entries: readonly Descriptor[]) => readonly Descriptor[] | undefined,
  job: Job,
): Promise<void> {
  const tag = referrersTag(subject)
  for (let attempt = 1; ; attempt++) {
    const { entries, etag } = await readFallback(server, route, subject, job)
    const changed = edit(entries)
    if (!changed) return
    try {
      const index = writeIndex(createIndex(changed))
      await putManifest(server, route, { ref: tag, ifMatch: etag }, index, job)
      return
    } catch (error) {
      const wasChanged = hasCode(error, 'REGISTRY_DENIED') && error.data['status'] === 412
      if (!wasChanged || attempt >= TRIES) throw error
    }
  }
}

async function readFallback(
  server: Connection,
  route: Route,
  subject: Digest,
  job: Job,
): Promise<{ entries: readonly Descriptor[]; etag?: string | undefined }> {
  const tag = referrersTag(subject)
  try {
    const reply = await askForDocument('GET', server, route, tag, job)
    if (!isIndexType(contentType(reply))) {
      throw fail('REGISTRY_INVALID_ANSWER', `${route.familiar({ tag })} is to list referrers, and is no index`)
    }
    const { manifests } = parseIndex(reply.body.subarray(0, LIMITS.manifestBytes))
    return { entries: manifests, etag: headerOf(reply, 'etag') }
  } catch (error) {
    if (hasCode(error, 'IMAGE_NOT_FOUND')) return { entries: [] }
    throw error
  }
}
