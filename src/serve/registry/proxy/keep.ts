import type { Digest } from '../../../core/index.ts'
import { PROXY, type ProxyContext } from './context.ts'
import type { Upstream } from './upstream.ts'

/** Manifests that are looked at at once. */
const PAGE = 500

interface Kept {
  name: string
  digest: Digest
}

const OF_UPSTREAM = 'FROM manifests m JOIN repositories r ON r.id = m.repo WHERE r.name >= ?1 AND r.name < ?2'
const LAST_USE = 'MAX(m.pushed_at, COALESCE(m.pulled_at, 0))'

/**
 * Takes manifests of an upstream away that nobody pulled for long, and those that were not pulled for longest while there are
 * more bytes than allowed. Layers that only they needed are garbage then, which collection takes. Returns how many went.
 */
export async function dropUnused(context: ProxyContext, upstream: Upstream, now: number = Date.now()): Promise<number> {
  const { keep, max_size } = upstream.config
  const before = keep === undefined ? 0 : await dropOld(context, upstream, now - keep)
  return before + (max_size === undefined ? 0 : await dropLarge(context, upstream, max_size))
}

async function dropOld(context: ProxyContext, upstream: Upstream, before: number): Promise<number> {
  for (let gone = 0; ; ) {
    const page = context.database.all<Kept>(
      `SELECT r.name, m.digest ${OF_UPSTREAM} AND ${LAST_USE} < ?3 LIMIT ?4`,
      ...[...rangeOf(upstream), before, PAGE],
    )
    const dropped = await drop(context, page)
    gone += dropped
    if (dropped === 0) return gone
  }
}

async function dropLarge(context: ProxyContext, upstream: Upstream, most: number): Promise<number> {
  let gone = 0
  while (bytesOf(context, upstream) > most) {
    const oldest = context.database.all<Kept>(
      `SELECT r.name, m.digest ${OF_UPSTREAM}
         AND EXISTS (SELECT 1 FROM manifest_refs f JOIN repo_blobs l ON l.repo = f.repo AND l.digest = f.child
                     WHERE f.repo = m.repo AND f.parent = m.digest)
       ORDER BY ${LAST_USE} LIMIT 1`,
      ...rangeOf(upstream),
    )
    const dropped = await drop(context, oldest)
    if (dropped === 0) break
    gone += dropped
  }
  return gone
}

/** Bytes of blobs that manifests of the upstream's repositories name, each counted once. */
function bytesOf(context: ProxyContext, upstream: Upstream): number {
  return context.database.get<{ bytes: number }>(
    `SELECT COALESCE(SUM(size), 0) AS bytes FROM (
       SELECT DISTINCT l.digest, l.size FROM repositories r JOIN manifest_refs f ON f.repo = r.id
         JOIN repo_blobs l ON l.repo = f.repo AND l.digest = f.child
       WHERE r.name >= ?1 AND r.name < ?2)`,
    ...rangeOf(upstream),
  )!.bytes
}

async function drop({ storage, log }: ProxyContext, manifests: readonly Kept[]): Promise<number> {
  let gone = 0
  for (const { name, digest } of manifests) {
    if (!(await storage.repository(name).deleteManifest(digest, { by: PROXY }))) continue
    gone++
    log(`${name}@${digest}: gone, nobody pulled it`)
  }
  return gone
}

/** Names that begin with the prefix and a slash; `0` follows it in ASCII. */
function rangeOf({ prefix }: Upstream): [string, string] {
  return [`${prefix}/`, `${prefix}0`]
}
