import type { Digest } from '../../../core/index.ts'
import type { RegistryDatabase } from '../folder/database.ts'

/** A part of a list that is sorted by something: entries behind the one that `after` names. */
export interface Slice {
  after?: string | undefined
  limit: number
  /** A part of the name. */
  search: string
}

/** A repository in a list. Times are Unix milliseconds. */
export interface RepositoryRow {
  name: string
  bytes: number
  tags: number
  manifests: number
  createdAt: number
  updatedAt: number
  pushedAt: number | null
  pulledAt: number | null
}

const REPOSITORY = `SELECT r.name, r.used_bytes AS bytes, r.created_at AS createdAt, r.updated_at AS updatedAt,
  (SELECT count(*) FROM tags t WHERE t.repo = r.id) AS tags,
  (SELECT count(*) FROM manifests m WHERE m.repo = r.id) AS manifests,
  (SELECT max(m.pushed_at) FROM manifests m WHERE m.repo = r.id) AS pushedAt,
  (SELECT max(m.pulled_at) FROM manifests m WHERE m.repo = r.id) AS pulledAt
  FROM repositories r`

/** Repositories that hold manifests, by name. */
export function repositoriesByName(db: RegistryDatabase, { after = '', limit, search }: Slice): RepositoryRow[] {
  return db.all(
    `${REPOSITORY} WHERE r.name > ?1 AND (?2 = '' OR instr(r.name, ?2) > 0)
       AND EXISTS (SELECT 1 FROM manifests m WHERE m.repo = r.id) ORDER BY r.name LIMIT ?3`,
    ...[after, search, limit],
  )
}

/** Repositories that hold manifests, those that changed last first. `after` is `time/name`. */
export function repositoriesByUpdate(db: RegistryDatabase, { after, limit, search }: Slice): RepositoryRow[] {
  const [time, name] = after === undefined ? [Number.MAX_SAFE_INTEGER, ''] : splitCursor(after)
  return db.all(
    `${REPOSITORY} WHERE (r.updated_at, r.name) < (?1, ?2) AND (?3 = '' OR instr(r.name, ?3) > 0)
       AND EXISTS (SELECT 1 FROM manifests m WHERE m.repo = r.id) ORDER BY r.updated_at DESC, r.name DESC LIMIT ?4`,
    ...[time, name, search, limit],
  )
}

export function oneRepository(db: RegistryDatabase, name: string): (RepositoryRow & { id: number }) | undefined {
  return db.get(`${REPOSITORY.replace('SELECT r.name', 'SELECT r.id, r.name')} WHERE r.name = ?`, name)
}

/** A tag in a list. */
export interface TagRow {
  name: string
  digest: Digest
  mediaType: string
  artifactType: string | null
  /** Of the manifest and all that it names, each thing once. */
  bytes: number
  pushedAt: number
  pushedBy: string | null
  pulledAt: number | null
  /** Platforms, separated by commas. */
  platforms: string | null
  createdAt: number | null
  referrers: number
}

const SIZES = `reach (root, digest, size) AS (
    SELECT m.digest, m.digest, m.size FROM page p JOIN manifests m ON m.repo = ?1 AND m.digest = p.digest
    UNION
    SELECT reach.root, f.child, f.size FROM reach JOIN manifest_refs f ON f.repo = ?1 AND f.parent = reach.digest
  )`

const TAG_COLUMNS = `SELECT p.name, p.digest, m.media_type AS mediaType, m.artifact_type AS artifactType,
  p.updated_at AS pushedAt, p.updated_by AS pushedBy, m.pulled_at AS pulledAt,
  (SELECT sum(size) FROM reach WHERE root = p.digest) AS bytes,
  (SELECT group_concat(DISTINCT i.platform) FROM reach JOIN manifests c ON c.repo = ?1 AND c.digest = reach.digest
     JOIN image_facts i ON i.config_digest = c.config_digest WHERE root = p.digest) AS platforms,
  (SELECT max(i.created_at) FROM reach JOIN manifests c ON c.repo = ?1 AND c.digest = reach.digest
     JOIN image_facts i ON i.config_digest = c.config_digest WHERE root = p.digest) AS createdAt,
  (SELECT count(*) FROM manifests s WHERE s.repo = ?1 AND s.subject = p.digest) AS referrers
  FROM page p JOIN manifests m ON m.repo = ?1 AND m.digest = p.digest`

/** Tags by name, with all that a table of them shows, in one statement. */
export function tagsByName(db: RegistryDatabase, repo: number, { after = '', limit, search }: Slice): TagRow[] {
  return db.all(
    `WITH RECURSIVE page AS (SELECT * FROM tags WHERE repo = ?1 AND name > ?2 AND (?3 = '' OR instr(name, ?3) > 0)
       ORDER BY name LIMIT ?4), ${SIZES} ${TAG_COLUMNS} ORDER BY p.name`,
    ...[repo, after, search, limit],
  )
}

/** Tags that were pushed last first. `after` is `time/name`. */
export function tagsByPush(db: RegistryDatabase, repo: number, { after, limit, search }: Slice): TagRow[] {
  const [time, name] = after === undefined ? [Number.MAX_SAFE_INTEGER, ''] : splitCursor(after)
  return db.all(
    `WITH RECURSIVE page AS (SELECT * FROM tags WHERE repo = ?1 AND (updated_at, name) < (?2, ?3)
       AND (?4 = '' OR instr(name, ?4) > 0) ORDER BY updated_at DESC, name DESC LIMIT ?5), ${SIZES} ${TAG_COLUMNS}
     ORDER BY p.updated_at DESC, p.name DESC`,
    ...[repo, time, name, search, limit],
  )
}

/** A manifest with what is known of it. */
export interface ManifestRow {
  digest: Digest
  mediaType: string
  artifactType: string | null
  subject: Digest | null
  bytes: Uint8Array
  size: number
  pushedAt: number
  pushedBy: string | null
  pulledAt: number | null
  /** Of all that it names and itself, each thing once. */
  total: number
}

export function oneManifest(db: RegistryDatabase, repo: number, digest: Digest): ManifestRow | undefined {
  return db.get(
    `WITH RECURSIVE page (digest) AS (VALUES (?2)), ${SIZES}
     SELECT digest, media_type AS mediaType, artifact_type AS artifactType, subject, bytes, size,
       pushed_at AS pushedAt, pushed_by AS pushedBy, pulled_at AS pulledAt,
       (SELECT sum(size) FROM reach) AS total FROM manifests WHERE repo = ?1 AND digest = ?2`,
    ...[repo, digest],
  )
}

/** What an index names, with what is known of each. */
export interface ChildRow {
  digest: Digest
  /** Null where the manifest is not there (sparse index). */
  total: number | null
  pulledAt: number | null
}

export function childrenOf(db: RegistryDatabase, repo: number, digest: Digest): ChildRow[] {
  return db.all(
    `WITH RECURSIVE page (digest) AS (SELECT child FROM manifest_refs WHERE repo = ?1 AND parent = ?2), ${SIZES}
     SELECT p.digest, m.pulled_at AS pulledAt, (SELECT sum(size) FROM reach WHERE root = p.digest) AS total
     FROM page p LEFT JOIN manifests m ON m.repo = ?1 AND m.digest = p.digest`,
    ...[repo, digest],
  )
}

/** How many share a blob that a manifest names: manifests of this repository, and repositories. */
export interface ShareRow {
  digest: Digest
  manifests: number
  repositories: number
}

export function sharing(db: RegistryDatabase, repo: number, digest: Digest): ShareRow[] {
  return db.all(
    `SELECT f.child AS digest,
       (SELECT count(*) FROM manifest_refs o WHERE o.repo = f.repo AND o.child = f.child) AS manifests,
       (SELECT count(*) FROM repo_blobs l WHERE l.digest = f.child) AS repositories
     FROM manifest_refs f WHERE f.repo = ? AND f.parent = ?`,
    ...[repo, digest],
  )
}

export function tagsOf(db: RegistryDatabase, repo: number, digest: Digest): string[] {
  const sql = 'SELECT name FROM tags WHERE repo = ? AND digest = ? ORDER BY name LIMIT 1000'
  return db.all<{ name: string }>(sql, repo, digest).map(({ name }) => name)
}

/** Robot accounts, without anything that helps to be one. */
export function robotNames(db: RegistryDatabase): { name: string; description: string; createdAt: number }[] {
  return db.all('SELECT name, description, created_at AS createdAt FROM robots ORDER BY name')
}

function splitCursor(cursor: string): [time: number, name: string] {
  const slash = cursor.indexOf('/')
  return [Number(cursor.slice(0, slash)) || 0, cursor.slice(slash + 1)]
}
