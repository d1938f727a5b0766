import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DIGEST_ALGORITHMS, type Digest, digestAlgorithm, digestHex, errnoOf, fail } from '../core/index.ts'
import { syncFileSystem } from '../host/index.ts'

/** Where things lie on disk. Every path below the root is made here and nowhere else. */
export interface StoreLayout {
  /** The store's folder: an OCI image layout with a few neighbours. */
  readonly root: string
  /** What does not outlive a reboot: bundles, sockets, pid files. Short, because socket paths are limited. */
  readonly runtime: string
  /** The control group above those of everything that runs from this store. */
  readonly cgroup: string
  readonly database: string
  /** Space that is set aside for when the disk is full. */
  readonly reserve: string
  readonly containers: string
  readonly snapshots: string
  /** Of each cache mount a folder with its files in `data`, and its lock. */
  readonly cacheMounts: string
  blob(digest: Digest): string
  /** The EROFS index of a layer, or of a stack of layers when it depends on what lies below. */
  index(id: Digest): string
  /** The folder of indexes. */
  readonly indexes: string
  /** Unpacked layers, for the directory snapshotter. */
  readonly directories: string
  /** A folder for each build that is remembered. */
  readonly builds: string
  /** Files that are locked by whoever does a build step. */
  readonly locks: string
  /** Blobs that have come in partly, to go on with. */
  readonly transfers: string
  /** Unfinished files of one lease. */
  ingest(leaseId: string): string
}

/** The folder used when none is named: `SLIPWAY_ROOT`, `/var/lib/slipway` for root, the XDG data folder otherwise. */
export function defaultRoot(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment['SLIPWAY_ROOT']) return path.resolve(environment['SLIPWAY_ROOT'])
  if (process.getuid?.() === 0) return '/var/lib/slipway'
  const data = environment['XDG_DATA_HOME'] || path.join(os.homedir(), '.local/share')
  return path.join(data, 'slipway')
}

/** The layout below `root`; touches nothing on disk. */
export function layoutAt(root: string): StoreLayout {
  const of = (...parts: string[]): string => path.join(root, ...parts)
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12)
  return {
    root,
    runtime: path.join(runtimeBase(), name),
    cgroup: `/slipway/${name}`,
    database: of('slipway.db'),
    reserve: of('reserve'),
    containers: of('containers'),
    snapshots: of('snapshots'),
    cacheMounts: of('cache-mounts'),
    blob: (digest) => of('blobs', digestAlgorithm(digest), digestHex(digest)),
    indexes: of('index'),
    index: (id) => of('index', `${digestHex(id)}.erofs`),
    directories: of('directories'),
    builds: of('builds'),
    locks: path.join(runtimeBase(), name, 'locks'),
    transfers: of('transfers'),
    ingest: (leaseId) => of('ingest', leaseId),
  }
}

function runtimeBase(): string {
  if (process.getuid?.() === 0) return '/run/slipway'
  return path.join(process.env['XDG_RUNTIME_DIR'] || os.tmpdir(), `slipway-${process.getuid?.() ?? 0}`)
}

/** Makes the folders and the marker of an OCI layout (image spec, "Image Layout", `oci-layout` file) where missing. */
export function createFolders(layout: StoreLayout): void {
  const blobs = DIGEST_ALGORITHMS.map((algorithm) => `blobs/${algorithm}`)
  const parts = [...blobs, 'index', 'directories', 'ingest', 'containers', 'snapshots', 'cache-mounts']
  try {
    // 0700: other users must not reach setuid programs that lie in layers (CVE-2021-41091)
    mkdirSync(layout.root, { recursive: true, mode: 0o700 })
    const made = parts.map((part) => mkdirSync(path.join(layout.root, part), { recursive: true, mode: 0o700 }))
    writeOnce(path.join(layout.root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    // a blob is no safer than the folders that lead to it
    if (made.some((folder) => folder !== undefined)) syncFileSystem(layout.root)
  } catch (error) {
    throw unusable(layout.root, error)
  }
}

function writeOnce(file: string, text: string): void {
  try {
    if (readFileSync(file, 'utf8') === text) return
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  writeFileSync(file, text)
}

function unusable(root: string, cause: unknown): Error {
  const hint =
    errnoOf(cause) === 'EACCES' || errnoOf(cause) === 'EPERM'
      ? 'run as root, or name a folder of your own with --root or SLIPWAY_ROOT'
      : 'name another folder with --root or SLIPWAY_ROOT'
  return fail('STORE_UNUSABLE', `cannot use the store at ${root}: ${(cause as Error).message}`, { cause, hint })
}
