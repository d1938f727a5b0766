import type { Stats } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import {
  type ByteRange,
  type Bytes,
  type Digest,
  digestAlgorithm,
  digestHex,
  errnoOf,
  fail,
  isJsonObject,
  type Job,
  messageOf,
  parseJson,
  SlipwayError,
  silentJob,
  verified,
} from '../core/index.ts'
import { lock } from '../host/index.ts'
import {
  createIndex,
  type Descriptor,
  type ImageTarget,
  type Index,
  isIndexType,
  isManifestType,
  LIMITS,
  MEDIA,
  parseIndex,
  readImageDocument,
  subjectOf,
  writeIndex,
} from '../oci/index.ts'
import { withEntries, withName, withoutName, withUnnamed } from './layout-names.ts'
import { type Layout, LayoutReader } from './layout-reader.ts'
import { noContent, noImage } from './missing.ts'
import { openRegularFile, readFrom, readSmallFile } from './regular-file.ts'
import { createFile, replaceFile, TEMPORARY } from './replace-file.ts'
import { stoppable } from './stoppable.ts'

/** What `oci-layout` holds (image spec, "Image Layout"). */
const MARKER = '{"imageLayoutVersion":"1.0.0"}'
/** An unfinished file of this age, in milliseconds, was left by a process that died. */
const STALE = 24 * 60 * 60 * 1000

/** Opens a folder that is an OCI image layout. Fails with `LAYOUT_INVALID`. */
export async function openOciLayout(folder: string, job: Job = silentJob): Promise<OciLayout> {
  await usable(folder, () => checkMarker(folder, job))
  return new OciLayout(folder)
}

/** Opens a folder for images; makes it an empty OCI image layout when it is missing or empty. */
export async function createOciLayout(folder: string, job: Job = silentJob): Promise<OciLayout> {
  await usable(folder, async () => {
    await mkdir(folder, { recursive: true })
    const foreign = (await readdir(folder)).filter((name) => name !== 'oci-layout' && !name.startsWith(TEMPORARY))
    if (foreign.length === 0) await createFile(path.join(folder, 'oci-layout'), Buffer.from(MARKER))
    await checkMarker(folder, job)
    await mkdir(path.join(folder, 'blobs/sha256'), { recursive: true })
    await removeStale(path.join(folder, 'blobs/sha256'))
  })
  return new OciLayout(folder)
}

async function checkMarker(folder: string, job: Job): Promise<void> {
  const marker = await readSmallFile(path.join(folder, 'oci-layout'), 4096, job)
  if (!marker) throw invalid(folder, 'it has no file oci-layout')
  const value = parseJson(marker, { what: 'oci-layout', maxBytes: 4096 })
  const version = isJsonObject(value) ? value['imageLayoutVersion'] : undefined
  if (typeof version !== 'string' || !/^1\.\d+\.\d+$/.test(version)) {
    throw invalid(folder, 'its imageLayoutVersion is not 1.0.0')
  }
}

/** Runs what touches the folder; an error of the system becomes one that a user can read. */
async function usable(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof SlipwayError) throw error
    throw fail('LAYOUT_INVALID', `cannot use ${folder} as an OCI image layout: ${messageOf(error)}`, { cause: error })
  }
}

/** A folder of images as other tools read it: `blobs/`, `index.json`, `oci-layout`. Processes may share it. */
export class OciLayout extends LayoutReader implements ImageTarget {
  readonly #folder: Folder

  constructor(folder: string) {
    const blobs = new Folder(folder)
    super(blobs)
    this.#folder = blobs
  }

  async write(descriptor: Descriptor, body: Bytes, _options?: object, job: Job = silentJob): Promise<void> {
    if (await this.has(descriptor)) return
    await this.#folder.put(descriptor, body, job)
    if (!isManifestType(descriptor.mediaType) && !isIndexType(descriptor.mediaType)) return
    // a signature is found by way of index.json, though it has no name
    if (await this.#hasSubject(descriptor, job)) {
      await this.#folder.update((entries) => withUnnamed(entries, descriptor), job)
    }
  }

  async tag(name: string, descriptor: Descriptor, job: Job = silentJob): Promise<void> {
    if (!(await this.has(descriptor))) throw noContent(descriptor)
    // a digest says which image is meant, but is no name for it
    const isName = name !== descriptor.digest
    await this.#folder.update(
      (entries) => (isName ? withName(entries, name, descriptor) : withUnnamed(entries, descriptor)),
      job,
    )
  }

  async untag(name: string, job: Job = silentJob): Promise<void> {
    await this.#folder.update(async (entries) => {
      const found = withoutName(entries, name)
      if (!found) throw noImage(name)
      const { entries: others, removed } = found
      return (await this.#hasSubject(removed, job)) ? withUnnamed(others, removed) : others
    }, job)
  }

  async #hasSubject(descriptor: Descriptor, job: Job): Promise<boolean> {
    if (!(await this.has(descriptor))) return false
    const { document } = await readImageDocument(this, descriptor, job)
    return subjectOf(document) !== undefined
  }
}

class Folder implements Layout {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async entries(): Promise<readonly Descriptor[]> {
    return (await this.#index(silentJob)).manifests
  }

  async size(digest: Digest): Promise<number | undefined> {
    const stats = await statIfThere(this.#path(digest))
    return stats?.isFile() ? stats.size : undefined
  }

  async *bytes(digest: Digest, range: ByteRange, job: Job): Bytes {
    const opened = await openRegularFile(this.#path(digest))
    if (!opened) throw noContent({ mediaType: '', digest, size: 0 })
    try {
      yield* readFrom(opened.file, range, job)
    } finally {
      await opened.file.close()
    }
  }

  async put(descriptor: Descriptor, body: Bytes, job: Job): Promise<void> {
    const target = this.#path(descriptor.digest)
    await mkdir(path.dirname(target), { recursive: true })
    await replaceFile(target, stoppable(verified(body, descriptor), job))
  }

  /** Changes the list of images; processes that do so at once wait for each other. */
  async update(
    change: (entries: readonly Descriptor[]) => readonly Descriptor[] | Promise<readonly Descriptor[]>,
    job: Job,
  ): Promise<void> {
    await using _ = await lock(path.join(this.#folder, 'oci-layout'), {}, job)
    const index = await this.#index(job)
    const entries = await change(index.manifests)
    if (entries === index.manifests) return
    await replaceFile(this.#indexFile, writeIndex(withEntries(index, entries), 0).bytes)
  }

  async #index(job: Job): Promise<Index> {
    const bytes = await readSmallFile(this.#indexFile, LIMITS.manifestBytes, job)
    return bytes ? parseIndex(bytes, MEDIA.ociIndex) : createIndex([])
  }

  get #indexFile(): string {
    return path.join(this.#folder, 'index.json')
  }

  #path(digest: Digest): string {
    return path.join(this.#folder, 'blobs', digestAlgorithm(digest), digestHex(digest))
  }
}

async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(TEMPORARY)) continue
    const file = path.join(folder, name)
    const stats = await statIfThere(file)
    if (stats && Date.now() - stats.mtimeMs > STALE) await rm(file, { force: true })
  }
}

async function statIfThere(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function invalid(folder: string, why: string): SlipwayError {
  return fail('LAYOUT_INVALID', `${folder} is not an OCI image layout: ${why}`)
}
