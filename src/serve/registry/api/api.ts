import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Digest, isDigest, programVersion } from '../../../core/index.ts'
import type { RegistryConfig } from '../config.ts'
import type { Audit } from '../events/audit.ts'
import type { Outbox } from '../events/outbox.ts'
import type { Action, Authorize } from '../extensions.ts'
import { failureBody, ProtocolFailure, refuse } from '../failure.ts'
import type { FolderStorage } from '../folder/folder.ts'
import type { UpstreamState } from '../proxy/state.ts'
import { previewDelete } from '../upkeep/gc.ts'
import type { ImageFacts } from '../upkeep/image-facts.ts'
import type { Keepers } from '../upkeep/keepers.ts'
import type { Policies } from '../upkeep/policies.ts'
import { describeManifest } from './details.ts'
import {
  oneRepository,
  type RepositoryRow,
  repositoriesByName,
  repositoriesByUpdate,
  robotNames,
  type Slice,
  type TagRow,
  tagsByName,
  tagsByPush,
} from './queries.ts'

/** What the JSON API answers from. */
export interface ApiContext {
  readonly storage: FolderStorage
  readonly keepers: Keepers
  readonly policies: Policies
  readonly audit: Audit
  readonly outbox: Outbox
  readonly facts: ImageFacts
  readonly canDelete: boolean
  readonly config: RegistryConfig
  readonly authorize: Authorize
  upstreams(): readonly UpstreamState[]
}

/** Entries of a page: at most, and when nothing is said. */
const MOST = 200
const USUAL = 50
/** Repositories that are looked at for one page, of which the caller may see only some. */
const LOOKED_AT = 2000

/** A name that is free of what names may not have: between a repository and what it is asked about stands `/-/`. */
const PATH = /^(.+?)(?:\/-\/(.*))?$/s

interface Call {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly query: URLSearchParams
}

/** The JSON API under `/api/v1`: see `registry-api.md` of the guide. */
export function apiPlugin(context: ApiContext): (app: FastifyInstance) => void {
  return (app) => {
    const { keepers, audit, outbox, storage } = context
    const route = (method: 'GET' | 'POST' | 'DELETE', path: string, answer: (call: Call) => unknown): void => {
      app.route({
        method,
        url: `/api/v1${path}`,
        handler: async (request, reply) => {
          const mark = request.raw.url!.indexOf('?')
          const query = new URLSearchParams(mark < 0 ? '' : request.raw.url!.slice(mark + 1))
          try {
            return reply.type('application/json').send(JSON.stringify(await answer({ request, reply, query })))
          } catch (error) {
            return sendFailure(reply, error)
          }
        },
      })
    }
    const admin = (method: 'GET' | 'POST', path: string, answer: (call: Call) => unknown): void =>
      route(method, path, async (call) => {
        await allow(context, call.request, 'admin')
        return await answer(call)
      })
    route('GET', '', (call) => overview(context, call))
    route('GET', '/repositories', (call) => listRepositories(context, call))
    route('GET', '/repositories/*', (call) => answerRepository(context, call))
    route('DELETE', '/repositories/*', (call) => deleteFrom(context, call))
    admin('GET', '/gc', () => keepers.gc.state())
    admin('POST', '/gc', () => keepers.gc.run())
    admin('GET', '/gc/preview', () => keepers.gc.preview())
    admin('GET', '/retention/preview', (call) => previewRetention(context, call))
    admin('POST', '/retention', () => keepers.retention.run())
    admin('GET', '/scrub', () => ({ lastRun: keepers.scrub.last() ?? null, damaged: keepers.scrub.damaged() }))
    admin('POST', '/scrub', () => keepers.scrub.run())
    admin('GET', '/audit', ({ query }) => listAudit(audit, query))
    admin('GET', '/webhooks', () => ({ webhooks: outbox.state() }))
    admin('GET', '/upstreams', () => ({ upstreams: context.upstreams() }))
    admin('GET', '/robots', () => ({ robots: robotNames(storage.database) }))
  }
}

function sendFailure(reply: FastifyReply, error: unknown): FastifyReply {
  const failure = error instanceof ProtocolFailure ? error : refuse('UNKNOWN', 'unknown error')
  if (failure !== error) process.stderr.write(`registry: api: ${error instanceof Error ? error.stack : error}\n`)
  return reply.code(failure.status).headers(failure.headers).type('application/json').send(failureBody(failure))
}

/** Who asks; throws when that is not allowed. */
async function allow(
  { authorize }: ApiContext,
  request: FastifyRequest,
  action: Action,
  repository?: string,
): Promise<string | undefined> {
  const about = repository === undefined ? {} : { repository }
  const decision = await authorize({ action, ...about, request: request.raw })
  if (decision instanceof ProtocolFailure) throw decision
  return decision.user
}

async function maySee({ authorize }: ApiContext, request: FastifyRequest, repository: string): Promise<boolean> {
  const decision = await authorize({ action: 'catalog', repository, isProbe: true, request: request.raw })
  return !(decision instanceof ProtocolFailure)
}

async function overview(context: ApiContext, { request }: Call): Promise<object> {
  await allow(context, request, 'catalog')
  const decision = await context.authorize({ action: 'admin', isProbe: true, request: request.raw })
  // sums would tell of repositories that the caller may not see
  if (decision instanceof ProtocolFailure) return { version: programVersion() }
  const row = context.storage.database.get<{ repositories: number; tags: number; manifests: number; bytes: number }>(
    `SELECT (SELECT count(*) FROM repositories) AS repositories, (SELECT count(*) FROM tags) AS tags,
       (SELECT count(*) FROM manifests) AS manifests, (SELECT coalesce(sum(size), 0) FROM blobs) AS bytes`,
  )
  return { version: programVersion(), ...row }
}

async function listRepositories(context: ApiContext, { request, query }: Call): Promise<object> {
  await allow(context, request, 'catalog')
  const byUpdate = sortOf(query, ['name', 'updated']) === 'updated'
  const read = byUpdate ? repositoriesByUpdate : repositoriesByName
  const cursorOf = (row: RepositoryRow): string => (byUpdate ? `${row.updatedAt}/${row.name}` : row.name)
  const slice = sliceOf(query)
  const repositories: RepositoryRow[] = []
  let { after } = slice
  for (let looked = 0; looked < LOOKED_AT; ) {
    const rows = read(context.storage.database, { ...slice, after })
    looked += rows.length
    for (const row of rows) {
      after = cursorOf(row)
      if (await maySee(context, request, row.name)) repositories.push(row)
      if (repositories.length === slice.limit) return { repositories, next: after }
    }
    if (rows.length < slice.limit) return { repositories }
  }
  return { repositories, next: after }
}

/** The repository of a path, and the words behind it. */
function parsePath(request: FastifyRequest): { name: string; words: string[] } {
  const match = PATH.exec((request.params as { '*': string })['*'])
  if (!match) throw refuse('NAME_INVALID', 'the path names no repository')
  return { name: match[1]!, words: match[2]?.split('/') ?? [] }
}

async function answerRepository(context: ApiContext, call: Call): Promise<unknown> {
  const { name, words } = parsePath(call.request)
  await allow(context, call.request, 'pull', name)
  const row = oneRepository(context.storage.database, name)
  if (!row) throw refuse('NAME_UNKNOWN', `repository ${name} is not known`)
  const { id, ...facts } = row
  const [what, reference, more] = words
  if (what === undefined) return { ...facts, quotas: context.policies.quotas(name) }
  if (what === 'tags' && reference === undefined) return listTags(context, { id, name }, call.query)
  if (what !== 'manifests' || reference === undefined)
    throw refuse('UNSUPPORTED', 'there is nothing at this path', { status: 404 })
  const digest = resolve(context, name, reference)
  if (more === undefined) return describeManifest({ db: context.storage.database, facts: context.facts }, id, digest)
  if (more === 'referrers') return listReferrers(context, name, digest, call.query)
  if (more === 'delete-preview') return describeDelete(context, name, reference)
  throw refuse('UNSUPPORTED', 'there is nothing at this path', { status: 404 })
}

function resolve({ storage }: ApiContext, name: string, reference: string): Digest {
  const found = storage.repository(name).describe(reference)
  if (found) return found.digest
  throw refuse('MANIFEST_UNKNOWN', `${name} has no ${reference.slice(0, 200)}`)
}

function listTags(context: ApiContext, { id, name }: { id: number; name: string }, query: URLSearchParams): object {
  const byPush = sortOf(query, ['name', 'pushed']) === 'pushed'
  const slice = sliceOf(query)
  context.storage.flush()
  const rows = (byPush ? tagsByPush : tagsByName)(context.storage.database, id, slice)
  const last = rows.at(-1)
  const next = rows.length === slice.limit && last ? { next: byPush ? `${last.pushedAt}/${last.name}` : last.name } : {}
  return { tags: rows.map((row) => tagOf(row, context.policies.isImmutable(name, row.name))), ...next }
}

function tagOf({ platforms, ...row }: TagRow, immutable: boolean): object {
  return { ...row, platforms: platforms?.split(',').toSorted() ?? [], immutable }
}

function listReferrers({ storage }: ApiContext, name: string, digest: Digest, query: URLSearchParams): object {
  const { after, limit } = sliceOf(query)
  const artifactType = query.get('artifactType') ?? undefined
  const referrers = storage.repository(name).referrers(digest, { last: after, limit, artifactType })
  return { referrers, ...(referrers.length === limit ? { next: referrers.at(-1)!.digest } : {}) }
}

function describeDelete({ storage, keepers, policies, config }: ApiContext, name: string, reference: string): object {
  const target = isDigest(reference) ? { digest: reference } : { tag: reference }
  const digest = storage.repository(name).describe(reference)!.digest
  const tags = isDigest(reference) ? tagsAt(storage, name, digest) : [reference]
  const held = tags.filter((tag) => policies.isImmutable(name, tag))
  const { manifests, blobs, bytes, taken = [] } = previewDelete(keepers.gc, storage, { repository: name, ...target })
  const all =
    isDigest(reference) && held.length === 0
      ? [digest, ...taken.map((one) => one.digest)]
      : taken.map((one) => one.digest)
  const wait = isDigest(reference) ? config.gc?.blob_grace : config.gc?.manifest_grace
  const afterMs = wait ?? (isDigest(reference) ? 3_600_000 : 86_400_000)
  return { tags, immutable: held, manifests: all, blobs, bytes, collected: manifests, afterMs }
}

function tagsAt(storage: FolderStorage, name: string, digest: Digest): string[] {
  const sql =
    'SELECT t.name FROM repositories r JOIN tags t ON t.repo = r.id WHERE r.name = ? AND t.digest = ? ORDER BY t.name'
  return storage.database.all<{ name: string }>(sql, name, digest).map((row) => row.name)
}

/** `DELETE .../-/tags/TAG` and `.../-/manifests/DIGEST`. */
async function deleteFrom(context: ApiContext, { request }: Call): Promise<object> {
  const { name, words } = parsePath(request)
  const by = await allow(context, request, 'delete', name)
  if (!context.canDelete) throw refuse('UNSUPPORTED', 'the operation is unsupported: deleting is switched off')
  const [what, reference = ''] = words
  const repository = context.storage.repository(name)
  const done =
    what === 'tags'
      ? await repository.deleteTag(reference, { by })
      : what === 'manifests' && isDigest(reference) && (await repository.deleteManifest(reference, { by }))
  if (!done) throw refuse('MANIFEST_UNKNOWN', `${name} has no ${reference.slice(0, 200)}`)
  return { deleted: reference, waiting: context.keepers.gc.state().waiting }
}

async function previewRetention({ keepers }: ApiContext, { query }: Call): Promise<object> {
  const name = query.get('repository')
  if (name !== null) return { repositories: [keepers.retention.judge(name)].filter((report) => report !== undefined) }
  const repositories = []
  for await (const { repository, verdicts } of keepers.retention.preview()) {
    const gone = verdicts.filter(({ keep }) => !keep)
    repositories.push({ repository, kept: verdicts.length - gone.length, deleted: gone.length })
    if (repositories.length === LOOKED_AT) break
  }
  return { repositories }
}

function listAudit(audit: Audit, query: URLSearchParams): object {
  const { limit, after } = sliceOf(query)
  const text = (key: string): string | undefined => query.get(key) ?? undefined
  const before = after === undefined ? undefined : Number(after)
  const records = audit.list({
    limit,
    before,
    actor: text('actor'),
    action: text('action'),
    repository: text('repository'),
  })
  return { records, ...(records.length === limit ? { next: String(records.at(-1)!.id) } : {}) }
}

function sliceOf(query: URLSearchParams): Slice {
  const limit = Number(query.get('limit') ?? USUAL)
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw refuse('PAGINATION_NUMBER_INVALID', 'limit must be a number from 1')
  return {
    after: query.get('after') ?? undefined,
    limit: Math.min(limit, MOST),
    search: (query.get('search') ?? '').slice(0, 255),
  }
}

function sortOf(query: URLSearchParams, known: readonly string[]): string {
  const sort = query.get('sort') ?? known[0]!
  if (known.includes(sort)) return sort
  throw refuse('UNSUPPORTED', `sort must be one of ${known.join(', ')}`, { status: 400 })
}
