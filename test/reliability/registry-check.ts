/**
 * Looks at the folder of a registry that nobody serves; shares no code with it. Says what is broken, and what is left
 * that nothing needs. By hand: `node test/reliability/registry-check.ts FOLDER`.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What was found. */
export interface RegistryFindings {
  /** Content that is damaged or missing, and rows that contradict one another. */
  broken: string[]
  /** What is there and needed by nothing. */
  leftovers: string[]
  counts: { blobs: number; bytes: number; manifests: number; tags: number }
}

type Row = Record<string, string | number | null>

interface Document {
  config?: { digest: string }
  layers?: { digest: string }[]
  manifests?: { digest: string }[]
}

export function checkRegistry(root: string): RegistryFindings {
  const db = new DatabaseSync(path.join(root, 'registry.db'), { readOnly: true })
  const rows = (sql: string): Row[] => db.prepare(sql).all() as Row[]
  const found: RegistryFindings = { broken: [], leftovers: [], counts: { blobs: 0, bytes: 0, manifests: 0, tags: 0 } }
  try {
    for (const row of rows('PRAGMA integrity_check'))
      if (Object.values(row)[0] !== 'ok') found.broken.push(String(Object.values(row)[0]))
    for (const row of rows('PRAGMA foreign_key_check')) found.broken.push(`foreign key: ${JSON.stringify(row)}`)
    checkBlobs(root, rows, found)
    checkManifests(rows, found)
    checkSums(rows, found)
    const uploads = new Set(rows('SELECT id FROM uploads').map(({ id }) => id))
    for (const id of uploads) found.leftovers.push(`upload ${id}`)
    for (const name of namesIn(path.join(root, 'uploads')))
      if (!uploads.has(name)) found.leftovers.push(`file of upload ${name}`)
    return found
  } finally {
    db.close()
  }
}

function checkBlobs(root: string, rows: (sql: string) => Row[], { broken, leftovers, counts }: RegistryFindings): void {
  const known = new Map(rows('SELECT * FROM blobs').map((row) => [String(row['digest']), row]))
  for (const algorithm of namesIn(path.join(root, 'blobs'))) {
    for (const folder of namesIn(path.join(root, 'blobs', algorithm))) {
      for (const name of namesIn(path.join(root, 'blobs', algorithm, folder))) {
        const digest = `${algorithm}:${name}`
        const bytes = readFileSync(path.join(root, 'blobs', algorithm, folder, name))
        const row = known.get(digest)
        if (createHash(algorithm).update(bytes).digest('hex') !== name) broken.push(`file ${digest} has other bytes`)
        if (!row) leftovers.push(`file ${digest}`)
        else if (row['size'] !== bytes.length)
          broken.push(`blob ${digest} has ${bytes.length} bytes, not ${row['size']}`)
        if (row && row['state'] !== 'ok') leftovers.push(`blob ${digest} is ${row['state']}`)
        known.delete(digest)
        counts.blobs++
        counts.bytes += bytes.length
      }
    }
  }
  for (const [digest, { state }] of known) broken.push(`blob ${digest} (${state}) has no file`)
  const unheld = rows(
    'SELECT digest FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM repo_blobs l WHERE l.digest = b.digest)',
  )
  for (const { digest } of unheld) leftovers.push(`blob ${digest} is in no repository`)
}

function checkManifests(rows: (sql: string) => Row[], { broken, leftovers, counts }: RegistryFindings): void {
  const held = new Set(rows('SELECT repo, digest FROM repo_blobs').map(({ repo, digest }) => `${repo} ${digest}`))
  const all = rows('SELECT repo, digest, bytes, subject FROM manifests')
  const present = new Set(all.map(({ repo, digest }) => `${repo} ${digest}`))
  const tags = rows('SELECT repo, name, digest FROM tags')
  const needed = new Set(tags.map(({ repo, digest }) => `${repo} ${digest}`))
  const needs = new Set<string>()
  for (const { repo, digest, bytes, subject } of all) {
    const raw = bytes as unknown as Uint8Array
    if (`sha256:${createHash('sha256').update(raw).digest('hex')}` !== digest)
      broken.push(`manifest ${digest} has other bytes`)
    const { config, layers = [], manifests = [] } = JSON.parse(Buffer.from(raw).toString()) as Document
    for (const blob of [...(config ? [config] : []), ...layers]) {
      needs.add(`${repo} ${blob.digest}`)
      if (!held.has(`${repo} ${blob.digest}`))
        broken.push(`manifest ${digest}: blob ${blob.digest} is not in repository ${repo}`)
    }
    for (const child of manifests) {
      needed.add(`${repo} ${child.digest}`)
      if (!present.has(`${repo} ${child.digest}`)) leftovers.push(`index ${digest} without its ${child.digest}`)
    }
    if (subject !== null && present.has(`${repo} ${subject}`)) needed.add(`${repo} ${digest}`)
  }
  for (const { repo, name, digest } of tags)
    if (!present.has(`${repo} ${digest}`)) broken.push(`tag ${name} of ${repo} stands for nothing`)
  for (const each of present) if (!needed.has(each)) leftovers.push(`manifest ${each}`)
  for (const each of held) if (!needs.has(each)) leftovers.push(`blob of a repository ${each}`)
  counts.manifests = all.length
  counts.tags = tags.length
}

/** What quotas count by. */
function checkSums(rows: (sql: string) => Row[], { broken }: RegistryFindings): void {
  const wrong =
    rows(`SELECT r.name, r.used_bytes AS used, coalesce((SELECT sum(size) FROM repo_blobs WHERE repo = r.id), 0)
    + coalesce((SELECT sum(size) FROM manifests WHERE repo = r.id), 0) AS actual FROM repositories r WHERE used <> actual`)
  for (const { name, used, actual } of wrong) broken.push(`${name} uses ${actual} bytes and says ${used}`)
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

if (import.meta.main) {
  const { broken, leftovers, counts } = checkRegistry(process.argv[2]!)
  for (const what of broken) console.log(`broken: ${what}`)
  for (const what of leftovers) console.log(`left over: ${what}`)
  console.log(counts)
  process.exitCode = broken.length === 0 ? 0 : 1
}
