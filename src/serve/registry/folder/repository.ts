import { existsSync } from 'node:fs'
import { type Digest, fail, isDigest } from '../../../core/index.ts'
import { type Descriptor, type ImageDocument, referrerEntry, subjectOf } from '../../../oci/index.ts'
import type {
  ChangeOptions,
  NewManifest,
  Page,
  RepositoryStorage,
  StoredBlob,
  StoredManifest,
  TagChange,
} from '../storage.ts'
import type { FolderContext } from './context.ts'
import { isForeignLayer, referencesOf } from './references.ts'

interface ManifestRow {
  digest: Digest
  media_type: string
  bytes: Uint8Array
}

const BY_TAG = `FROM repositories r CROSS JOIN tags t CROSS JOIN manifests m
  WHERE r.name = ? AND t.repo = r.id AND t.name = ? AND m.repo = r.id AND m.digest = t.digest`
const BY_DIGEST = `FROM repositories r CROSS JOIN manifests m WHERE r.name = ? AND m.repo = r.id AND m.digest = ?`
const COLUMNS = 'SELECT m.digest, m.media_type, m.bytes'
const FACTS = 'SELECT m.digest, m.media_type AS mediaType, m.size, m.artifact_type AS artifactType'

/** A repository in the registry's own folder. Everything is asked of SQLite, so nothing that was deleted is ever served. */
export class FolderRepository implements RepositoryStorage {
  readonly name: string
  readonly #context: FolderContext

  constructor(name: string, context: FolderContext) {
    this.name = name
    this.#context = context
  }

  exists(): boolean {
    return this.#id() !== undefined
  }

  manifest(reference: string): StoredManifest | undefined {
    const sql = isDigest(reference) ? `${COLUMNS} ${BY_DIGEST}` : `${COLUMNS} ${BY_TAG}`
    const row = this.#context.db.get<ManifestRow>(sql, this.name, reference)
    if (row && isDigest(reference)) this.#context.uses.note(this.name, row.digest)
    return row && { digest: row.digest, mediaType: row.media_type, bytes: row.bytes }
  }

  describe(reference: string): Descriptor | undefined {
    const sql = isDigest(reference) ? `${FACTS} ${BY_DIGEST}` : `${FACTS} ${BY_TAG}`
    const row = this.#context.db.get<Descriptor & { artifactType: string | null }>(sql, this.name, reference)
    if (row && isDigest(reference)) this.#context.uses.note(this.name, row.digest)
    return row && { mediaType: row.mediaType, digest: row.digest, size: row.size }
  }

  pulled(digest: Digest): void {
    this.#context.pulls.note(this.name, digest)
  }

  async putManifest(manifest: NewManifest, tags: readonly string[], options: ChangeOptions = {}): Promise<void> {
    const { db } = this.#context
    db.transaction(() => {
      options.check?.()
      const repo = this.#makeId()
      const isNew = !this.#hasManifest(repo, manifest.digest)
      const changes = tags.map((name): TagChange => ({ name, previous: this.#tagged(repo, name) }))
      const change = { kind: 'manifest-put', repository: this.name, manifest, tags: changes, isNew } as const
      this.#context.changing({ ...change, by: options.by }, () => {
        if (isNew) this.#insertManifest(repo, manifest, options)
        for (const tag of changes) this.#setTag(repo, tag, manifest.digest, options)
        if (tags.length === 0) this.#context.suspect('manifest', repo, manifest.digest)
      })
    })
    await db.durable()
  }

  async deleteManifest(digest: Digest, options: ChangeOptions = {}): Promise<boolean> {
    const { db } = this.#context
    const found = db.freeing(() => {
      options.check?.()
      const repo = this.#id()
      if (repo === undefined || !this.#hasManifest(repo, digest)) return false
      const names = db.all<{ name: string }>('SELECT name FROM tags WHERE repo = ? AND digest = ?', repo, digest)
      const tags = names.map(({ name }) => name)
      const change = { kind: 'manifest-deleted', repository: this.name, digest, tags, by: options.by } as const
      this.#context.changing(change, () => {
        for (const tag of tags) this.#dropTag(repo, tag, options)
        this.#suspectRelated(repo, digest)
        db.run('DELETE FROM manifests WHERE repo = ? AND digest = ?', repo, digest)
        this.#touch(repo)
      })
      return true
    })
    if (found) await db.durable()
    return found
  }

  async deleteTag(tag: string, options: ChangeOptions = {}): Promise<boolean> {
    const { db } = this.#context
    const found = db.freeing(() => {
      options.check?.()
      const repo = this.#id()
      const digest = repo === undefined ? undefined : this.#tagged(repo, tag)
      if (repo === undefined || digest === undefined) return false
      const change = { kind: 'tag-deleted', repository: this.name, tag, digest, by: options.by } as const
      this.#context.changing(change, () => {
        this.#dropTag(repo, tag, options)
        this.#context.suspect('manifest', repo, digest)
        this.#touch(repo)
      })
      return true
    })
    if (found) await db.durable()
    return found
  }

  tags({ last = '', limit }: Page): string[] {
    const rows = this.#context.db.all<{ name: string }>(
      `SELECT t.name FROM repositories r CROSS JOIN tags t
       WHERE r.name = ? AND t.repo = r.id AND t.name > ? ORDER BY t.name LIMIT ?`,
      ...[this.name, last, limit],
    )
    return rows.map(({ name }) => name)
  }

  referrers(subject: Digest, page: Page & { artifactType?: string | undefined }): Descriptor[] {
    const { last = '', limit, artifactType = null } = page
    const rows = this.#context.db.all<{ entry: string }>(
      `SELECT m.entry FROM repositories r CROSS JOIN manifests m
       WHERE r.name = ?1 AND m.repo = r.id AND m.subject = ?2 AND m.digest > ?3
         AND (?4 IS NULL OR m.artifact_type = ?4)
       ORDER BY m.digest LIMIT ?5`,
      ...[this.name, subject, last, artifactType, limit],
    )
    return rows.map(({ entry }) => JSON.parse(entry) as Descriptor)
  }

  blob(digest: Digest): StoredBlob | undefined {
    const { db } = this.#context
    const row = this.#findBlob(digest)
    if (!row) return undefined
    const now = Date.now()
    if (now - row.last_linked_at > this.#context.useStep) db.unlessFull(() => this.#context.used(digest, now))
    return { digest, size: row.size, path: this.#context.layout.blob(digest) }
  }

  #findBlob(digest: Digest): { size: number; last_linked_at: number } | undefined {
    return this.#context.db.get(
      `SELECT b.size, b.last_linked_at FROM repositories r CROSS JOIN repo_blobs l CROSS JOIN blobs b
       WHERE r.name = ? AND l.repo = r.id AND l.digest = ? AND b.digest = l.digest AND b.state = 'ok'`,
      ...[this.name, digest],
    )
  }

  lost(digest: Digest): void {
    const { db, layout } = this.#context
    // collection may have taken it, or a push brought it back meanwhile
    if (existsSync(layout.blob(digest))) return
    db.run("UPDATE blobs SET state = 'bad' WHERE digest = ? AND state = 'ok'", digest)
  }

  async mount(digest: Digest, from: string, options: ChangeOptions = {}): Promise<boolean> {
    const { db } = this.#context
    const found = db.transaction(() => {
      options.check?.()
      const blob = new FolderRepository(from, this.#context).blob(digest)
      if (!blob) return false
      this.link(blob, { ...options, from })
      return true
    })
    if (found) await db.durable()
    return found
  }

  async deleteBlob(digest: Digest, options: ChangeOptions = {}): Promise<boolean> {
    const { db } = this.#context
    const found = db.freeing(() => {
      options.check?.()
      const repo = this.#id()
      if (repo === undefined || !this.#findBlob(digest)) return false
      const change = { kind: 'blob-deleted', repository: this.name, digest, by: options.by } as const
      this.#context.changing(change, () => {
        db.run('DELETE FROM repo_blobs WHERE repo = ? AND digest = ?', repo, digest)
        this.#context.suspect('blob', 0, digest)
        this.#touch(repo)
      })
      return true
    })
    if (found) await db.durable()
    return found
  }

  /** Makes a blob that is there readable in this repository; call in a transaction. */
  link(blob: { digest: Digest; size: number }, options: ChangeOptions & { from?: string }): void {
    const { db } = this.#context
    const { digest, size } = blob
    const repo = this.#makeId()
    const now = Date.now()
    const known = db.get('SELECT 1 FROM repo_blobs WHERE repo = ? AND digest = ?', repo, digest)
    if (!known) {
      const change = { kind: 'blob-linked', repository: this.name, digest, size } as const
      this.#context.changing({ ...change, from: options.from, by: options.by }, () => {
        db.run('INSERT INTO repo_blobs VALUES (?, ?, ?, ?)', repo, digest, size, now)
        this.#touch(repo)
      })
    }
    this.#context.used(digest, now)
    this.#context.suspect('blob', repo, digest)
  }

  #insertManifest(repo: number, manifest: NewManifest, { by, isPartial }: ChangeOptions): void {
    const { db } = this.#context
    const { digest, mediaType, bytes, document } = manifest
    if (!isPartial) this.#checkContent(repo, document)
    const subject = subjectOf(document)?.digest
    const entry = subject && referrerEntry(document, { digest, mediaType, size: bytes.length }, subject)
    const config = document.kind === 'manifest' ? document.manifest.config.digest : null
    const now = Date.now()
    db.run(
      `INSERT INTO manifests (repo, digest, media_type, artifact_type, subject, entry, config_digest, bytes, size,
         pushed_at, pushed_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[repo, digest, mediaType, artifactTypeOf(document), subject ?? null, entry ? JSON.stringify(entry) : null],
      ...[config, bytes, bytes.length, now, by ?? null],
    )
    for (const [place, reference] of referencesOf(document).entries()) {
      const { kind, descriptor } = reference
      db.run(
        'INSERT OR IGNORE INTO manifest_refs VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[repo, digest, descriptor.digest, kind, descriptor.mediaType, descriptor.size, place],
      )
    }
    this.#touch(repo)
  }

  /** Blobs must be there; entries of an index need not (sparse indexes), nor what may not be distributed, nor a subject. */
  #checkContent(repo: number, document: ImageDocument): void {
    for (const { kind, descriptor } of referencesOf(document)) {
      if (kind === 'manifest' || isForeignLayer(descriptor)) continue
      const found = this.#context.db.get(
        `SELECT 1 FROM repo_blobs l JOIN blobs b ON b.digest = l.digest AND b.state = 'ok'
         WHERE l.repo = ? AND l.digest = ?`,
        ...[repo, descriptor.digest],
      )
      if (!found) {
        const { digest } = descriptor
        throw fail('BLOB_NOT_FOUND', `blob ${digest} is not in ${this.name}`, { data: { digest } })
      }
    }
  }

  /** What may have lived only through a manifest that goes: what it names, and what refers to it. */
  #suspectRelated(repo: number, digest: Digest): void {
    const { db } = this.#context
    const children = db.all<{ child: Digest; kind: string }>(
      'SELECT child, kind FROM manifest_refs WHERE repo = ? AND parent = ?',
      ...[repo, digest],
    )
    for (const { child, kind } of children) {
      this.#context.suspect(kind === 'manifest' ? 'manifest' : 'blob', repo, child)
    }
    const referrers = db.all<{ digest: Digest }>(
      'SELECT digest FROM manifests WHERE repo = ? AND subject = ?',
      repo,
      digest,
    )
    for (const referrer of referrers) this.#context.suspect('manifest', repo, referrer.digest)
  }

  #setTag(repo: number, tag: TagChange, digest: Digest, { by }: ChangeOptions): void {
    const { db } = this.#context
    const now = Date.now()
    db.run(
      `INSERT INTO tags (repo, name, digest, updated_at, updated_by) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (repo, name) DO UPDATE
       SET digest = excluded.digest, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
      ...[repo, tag.name, digest, now, by ?? null],
    )
    if (tag.previous === digest) return
    this.#record(repo, tag.name, digest, by)
    if (tag.previous !== undefined) this.#context.suspect('manifest', repo, tag.previous)
    this.#touch(repo)
  }

  #dropTag(repo: number, tag: string, { by }: ChangeOptions): void {
    this.#context.db.run('DELETE FROM tags WHERE repo = ? AND name = ?', repo, tag)
    this.#record(repo, tag, null, by)
  }

  #record(repo: number, tag: string, digest: Digest | null, by: string | undefined): void {
    const sql = 'INSERT INTO tag_history (repo, name, digest, changed_at, changed_by) VALUES (?, ?, ?, ?, ?)'
    this.#context.db.run(sql, repo, tag, digest, Date.now(), by ?? null)
  }

  #tagged(repo: number, tag: string): Digest | undefined {
    const sql = 'SELECT digest FROM tags WHERE repo = ? AND name = ?'
    return this.#context.db.get<{ digest: Digest }>(sql, repo, tag)?.digest
  }

  #hasManifest(repo: number, digest: Digest): boolean {
    return this.#context.db.get('SELECT 1 FROM manifests WHERE repo = ? AND digest = ?', repo, digest) !== undefined
  }

  #id(): number | undefined {
    return this.#context.db.get<{ id: number }>('SELECT id FROM repositories WHERE name = ?', this.name)?.id
  }

  #makeId(): number {
    const now = Date.now()
    const sql = 'INSERT OR IGNORE INTO repositories (name, created_at, updated_at) VALUES (?, ?, ?)'
    const id = this.#id()
    if (id !== undefined) return id
    this.#context.db.run(sql, this.name, now, now)
    return this.#id()!
  }

  #touch(repo: number): void {
    this.#context.db.run('UPDATE repositories SET updated_at = ? WHERE id = ?', Date.now(), repo)
  }
}

/** The type that referrers are filtered by: that of an image manifest falls back to its config's. */
function artifactTypeOf(document: ImageDocument): string | null {
  if (document.kind === 'index') return document.index.artifactType ?? null
  return document.manifest.artifactType ?? document.manifest.config.mediaType
}
