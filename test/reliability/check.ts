/**
 * Says whether a store is in order, without sharing any code with it: reads the database, walks the folders, hashes
 * every blob, follows every reference. `node test/reliability/check.ts ROOT` prints what it found. Changes nothing: the
 * database is looked at in a copy, as it would be after a crash.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'

/** What is wrong, and what is only left over. */
export interface Findings {
  /** Blobs whose bytes do not have their digest. */
  corrupt: string[]
  /** References to content that is not there, or is not what it should be. */
  broken: string[]
  /** What SQLite says of its file, when that is not `ok`. */
  database: string[]
  /** Files and folders of work that is not under way, relative to the store. */
  leftovers: string[]
  /** Blobs, images and steps that were looked at. */
  counts: { blobs: number; images: number; steps: number; bytes: number }
}

interface Document {
  config?: { digest: string; size: number }
  layers?: { digest: string; size: number; mediaType?: string }[]
  manifests?: { digest: string; size: number }[]
}

/** Checks the store in `root`. */
export function checkStore(root: string): Findings {
  return new Checker(root).run()
}

/** Checks a folder that is an OCI image layout. */
export function checkLayout(folder: string): Findings {
  return new Checker(folder).runOnLayout()
}

/** Lock files of a store that somebody holds, although nothing is under way. */
export function heldLocks(root: string, runtime: string): string[] {
  const folders = [path.join(root, 'cache-mounts'), path.join(root, 'git'), path.join(runtime, 'locks')]
  const files = folders.flatMap((folder) => {
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names.map((name) => path.join(folder, name)).filter((file) => lstatSync(file).isFile())
  })
  return files.filter((file) => spawnSync('flock', ['--nonblock', file, 'true']).status === 1)
}

class Checker {
  readonly #root: string
  readonly #findings: Findings = {
    ...{ corrupt: [], broken: [], database: [], leftovers: [] },
    counts: { blobs: 0, images: 0, steps: 0, bytes: 0 },
  }
  readonly #checked = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  run(): Findings {
    const copy = mkdtempSync(path.join(os.tmpdir(), 'slipway-check-'))
    try {
      for (const name of ['slipway.db', 'slipway.db-wal']) {
        const file = path.join(this.#root, name)
        if (existsSync(file)) copyFileSync(file, path.join(copy, name))
      }
      this.#blobs()
      if (existsSync(path.join(copy, 'slipway.db'))) this.#withDatabase(new DatabaseSync(path.join(copy, 'slipway.db')))
      this.#layoutIndex()
      this.#indexes()
      this.#leftovers()
      return this.#findings
    } finally {
      rmSync(copy, { recursive: true })
    }
  }

  runOnLayout(): Findings {
    this.#blobs()
    this.#layoutIndex()
    return this.#findings
  }

  #blobs(): void {
    for (const algorithm of this.#names('blobs')) {
      for (const name of this.#names('blobs', algorithm)) {
        if (name.startsWith('.unfinished-')) continue
        const { digest, size } = hashFile(algorithm, path.join(this.#root, 'blobs', algorithm, name))
        if (digest !== name) this.#findings.corrupt.push(`${algorithm}:${name}`)
        this.#findings.counts.blobs++
        this.#findings.counts.bytes += size
      }
    }
  }

  #withDatabase(db: DatabaseSync): void {
    const text = (sql: string): string[] =>
      db
        .prepare(sql)
        .all()
        .map((row) => String(Object.values(row)[0]))
    this.#findings.database.push(...text('PRAGMA integrity_check').filter((line) => line !== 'ok'))
    this.#findings.database.push(...text('PRAGMA foreign_key_check').map((table) => `foreign key of ${table}`))
    if (!text("SELECT name FROM sqlite_master WHERE name = 'images'").length) return
    for (const digest of text('SELECT digest FROM images')) this.#image(digest, 'an image')
    for (const digest of text('SELECT image_digest FROM containers')) this.#image(digest, 'a container')
    const layers = new Set(text('SELECT diff_id FROM layers'))
    for (const { key, result } of db.prepare('SELECT key, result FROM steps').all() as Record<string, string>[]) {
      this.#findings.counts.steps++
      for (const diffId of JSON.parse(result!) as string[]) {
        this.#need(layers.has(diffId), `step ${key}: no record of its layer ${diffId}`)
        this.#need(this.#has(diffId), `step ${key}: its layer ${diffId} is missing`)
      }
    }
    for (const { name, image } of db
      .prepare('SELECT name, images.digest AS image FROM names LEFT JOIN images ON names.digest = images.digest')
      .all() as Record<string, string | null>[]) {
      this.#need(image !== null, `the name ${name} stands for no image`)
    }
    for (const root of text('SELECT digest FROM images')) {
      for (const diffId of this.#diffIds(root)) this.#need(layers.has(diffId), `${root}: no record of layer ${diffId}`)
    }
    this.#cacheMounts(new Set(text('SELECT key FROM cache_mounts')))
    this.#buildRecords(new Set(text('SELECT id FROM build_records')))
    db.close()
  }

  /** Whatever has files has a row. */
  #cacheMounts(rows: ReadonlySet<string>): void {
    for (const name of this.#names('cache-mounts')) {
      if (name.endsWith('.lock')) continue
      this.#need(rows.has(name), `cache mount ${name} has files and no record`)
    }
  }

  #buildRecords(rows: ReadonlySet<string>): void {
    for (const name of this.#names('builds')) {
      if (!rows.has(name)) this.#findings.leftovers.push(`builds/${name}`)
    }
  }

  #image(digest: string, what: string): void {
    this.#findings.counts.images++
    if (!this.#need(this.#has(digest), `${what}: ${digest} is missing`)) return
    const document = this.#json(digest)
    if (!document.manifests) {
      this.#manifest(digest, document)
      return
    }
    const present = document.manifests.filter((entry) => this.#has(entry.digest))
    this.#need(present.length > 0, `${what}: index ${digest} has no manifest here`)
    for (const entry of present) this.#manifest(entry.digest, this.#json(entry.digest))
  }

  #manifest(digest: string, { config, layers = [] }: Document): void {
    if (!this.#need(config !== undefined && this.#has(config.digest, config.size), `${digest}: its config is missing`))
      return
    const diffIds = diffIdsOf(this.#json(config!.digest))
    this.#need(diffIds.length === layers.length, `${digest}: ${layers.length} layers, ${diffIds.length} diffIds`)
    for (const [at, layer] of layers.entries()) {
      const diffId = diffIds[at] ?? ''
      this.#need(this.#has(diffId), `${digest}: layer ${diffId} is missing`)
      if (layer.digest === diffId)
        this.#need(this.#has(diffId, layer.size), `${digest}: layer ${diffId} has another size`)
      else this.#compressed(layer, diffId)
    }
  }

  /** What came compressed must hold what its config says. */
  #compressed(layer: { digest: string; size: number }, diffId: string): void {
    if (this.#checked.has(layer.digest + diffId)) return
    this.#checked.add(layer.digest + diffId)
    if (!this.#need(this.#has(layer.digest, layer.size), `compressed layer ${layer.digest} is missing`)) return
    const bytes = readFileSync(this.#blob(layer.digest))
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return
    const actual = createHash('sha256').update(gunzipSync(bytes)).digest('hex')
    this.#need(`sha256:${actual}` === diffId, `compressed layer ${layer.digest} holds ${actual}, not ${diffId}`)
  }

  #diffIds(root: string): string[] {
    if (!this.#has(root)) return []
    const document = this.#json(root)
    const manifests = document.manifests
      ? document.manifests.filter((entry) => this.#has(entry.digest)).map((entry) => this.#json(entry.digest))
      : [document]
    // statements about an image are listed like layers, and are none
    const images = manifests.filter(
      ({ layers = [] }) => !layers.some(({ mediaType = '' }) => /in-toto/.test(mediaType)),
    )
    return images.flatMap(({ config }) =>
      config && this.#has(config.digest) ? diffIdsOf(this.#json(config.digest)) : [],
    )
  }

  /** What other programs read: nothing in it may be missing. */
  #layoutIndex(): void {
    const file = path.join(this.#root, 'index.json')
    if (!existsSync(file)) return
    const { manifests = [] } = JSON.parse(readFileSync(file, 'utf8')) as Document
    for (const { digest, size } of manifests) this.#need(this.#has(digest, size), `index.json: ${digest} is missing`)
  }

  #indexes(): void {
    for (const name of this.#names('index')) {
      if (!/^[0-9a-f]{64,128}\.erofs$/.test(name)) {
        this.#findings.leftovers.push(`index/${name}`)
        continue
      }
      const head = readFileSync(path.join(this.#root, 'index', name)).subarray(1024, 1028)
      this.#need(head.toString('hex') === 'e2e1f5e0', `index ${name} is no EROFS image`)
    }
  }

  #leftovers(): void {
    for (const folder of ['ingest', 'snapshots', 'containers']) {
      for (const name of this.#names(folder)) this.#findings.leftovers.push(`${folder}/${name}`)
    }
    const unfinished = [...this.#names('directories'), ...this.#names()].filter((name) =>
      /\.(tmp|partial|lock)$/.test(name),
    )
    this.#findings.leftovers.push(...unfinished)
    const copies = this.#names('git').filter((name) => !/^[0-9a-f]{32}(\.lock)?$/.test(name))
    this.#findings.leftovers.push(...copies.map((name) => `git/${name}`))
  }

  #need(fulfilled: boolean, otherwise: string): boolean {
    if (!fulfilled) this.#findings.broken.push(otherwise)
    return fulfilled
  }

  #blob(digest: string): string {
    const [algorithm = '', hex = ''] = digest.split(':')
    return path.join(this.#root, 'blobs', algorithm, hex)
  }

  #has(digest: string, size?: number): boolean {
    if (!/^sha\d+:[0-9a-f]+$/.test(digest)) return false
    const stat = lstatSync(this.#blob(digest), { throwIfNoEntry: false })
    return stat?.isFile() === true && (size === undefined || stat.size === size)
  }

  #json(digest: string): Document {
    return JSON.parse(readFileSync(this.#blob(digest), 'utf8')) as Document
  }

  #names(...folder: string[]): string[] {
    const full = path.join(this.#root, ...folder)
    return existsSync(full) ? readdirSync(full) : []
  }
}

function diffIdsOf(config: object): string[] {
  return (config as { rootfs?: { diff_ids?: string[] } }).rootfs?.diff_ids ?? []
}

function hashFile(algorithm: string, file: string): { digest: string; size: number } {
  const hash = createHash(algorithm)
  const buffer = Buffer.allocUnsafe(4 << 20)
  const fd = openSync(file, 'r')
  try {
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, null)
      if (count === 0) return { digest: hash.digest('hex'), size: statSync(file).size }
      hash.update(buffer.subarray(0, count))
    }
  } finally {
    closeSync(fd)
  }
}

/** Everything that is wrong, for a message; leftovers are not. */
export function problemsOf({ corrupt, broken, database }: Findings): string[] {
  return [
    ...corrupt.map((digest) => `corrupt blob ${digest}`),
    ...broken.map((what) => `broken reference: ${what}`),
    ...database.map((what) => `database: ${what}`),
  ]
}

if (import.meta.main) {
  const root = process.argv[2]
  if (root === undefined) throw new Error('which store?')
  const findings = checkStore(root)
  for (const problem of problemsOf(findings)) console.log(problem)
  for (const name of findings.leftovers) console.log(`left over: ${name}`)
  const { blobs, images, steps, bytes } = findings.counts
  console.log(`${blobs} blobs, ${images} images, ${steps} steps, ${bytes} bytes`)
  process.exitCode = problemsOf(findings).length === 0 ? 0 : 1
}
