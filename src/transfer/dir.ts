import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import {
  type ByteRange,
  type Bytes,
  type Digest,
  digestAlgorithm,
  digestHex,
  digestOf,
  errnoOf,
  fail,
  hasCode,
  type Job,
  messageOf,
  SlipwayError,
  silentJob,
  verified,
} from '../core/index.ts'
import { lock } from '../host/index.ts'
import {
  type Descriptor,
  descriptorOf,
  type ImageTarget,
  isIndexType,
  isManifestType,
  LIMITS,
  parseImageDocument,
  referrerEntry,
} from '../oci/index.ts'
import { type Layout, LayoutReader } from './layout-reader.ts'
import { noContent, noImage } from './missing.ts'
import { openRegularFile, readFrom, readSmallFile } from './regular-file.ts'
import { createFile, replaceFile, TEMPORARY } from './replace-file.ts'
import { stoppable } from './stoppable.ts'

/** What the file `version` holds (containers/image, directory transport). */
const MARKER = 'Directory Transport Version: 1.1\n'
const KNOWN_MARKER = /^Directory Transport Version: 1\.\d{1,3}\s*$/
/** The file of the image; its platforms are `<hex>.manifest.json`, all else is `<hex>`. */
const ROOT = 'manifest.json'
const DOCUMENT = '.manifest.json'
/** Names of what an image leaves in the folder: contents, manifests, signatures. */
const CONTENT = /^(?:[0-9a-f]{64,128}(?:\.manifest\.json)?|(?:[0-9a-f]{64,128}\.)?signature-\d{1,6})$/
/** Files of a folder that are looked at for signatures. */
const MAX_DOCUMENTS = 20_000

/** What the one image of such a folder is called. */
export const DIRECTORY_TAG = 'latest'

/** Opens a folder that skopeo calls `dir:`. Fails with `LAYOUT_INVALID`. */
export async function openImageDirectory(folder: string, job: Job = silentJob): Promise<ImageDirectory> {
  await usable(folder, async () => {
    const manifest = await readSmallFile(path.join(folder, ROOT), LIMITS.manifestBytes, job, { noLinks: true })
    if (!manifest) throw fail('LAYOUT_INVALID', `${folder} is not an image directory: it has no ${ROOT}`)
    // the oldest folders have no marker
    await checkMarker(folder, job)
  })
  return new ImageDirectory(folder)
}

/** Opens a folder for one image: a missing or empty one, or one that holds an image, which the new one replaces. */
export async function createImageDirectory(folder: string, job: Job = silentJob): Promise<ImageDirectory> {
  await usable(folder, async () => {
    await mkdir(folder, { recursive: true })
    const marked = await checkMarker(folder, job)
    const foreign = (await readdir(folder)).some((name) => !name.startsWith(TEMPORARY))
    if (!marked && foreign) {
      const words = "not a containers image directory, don't want to overwrite important data"
      throw fail('LAYOUT_INVALID', `${folder} is ${words}`, { hint: 'Name an empty folder or a new one.' })
    }
    if (!marked) await createFile(path.join(folder, 'version'), Buffer.from(MARKER))
  })
  return new ImageDirectory(folder)
}

/** Whether the folder says that it is one of these; an error when it is of a version that we do not know. */
async function checkMarker(folder: string, job: Job): Promise<boolean> {
  const marker = await readSmallFile(path.join(folder, 'version'), 4096, job, { noLinks: true })
  if (!marker) return false
  if (KNOWN_MARKER.test(marker.toString('latin1'))) return true
  throw fail('LAYOUT_INVALID', `${folder} is not an image directory: its version is not 1.1`)
}

async function usable(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof SlipwayError) throw error
    throw fail('LAYOUT_INVALID', `cannot use ${folder} as an image directory: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * A folder with one image in plain files, as skopeo's `dir:` reads and writes it. The image's name is `latest`; giving
 * a name makes it the image of the folder, and takes away what is left of another one.
 */
export class ImageDirectory extends LayoutReader implements ImageTarget {
  readonly #files: Files

  constructor(folder: string) {
    const files = new Files(folder)
    super(files)
    this.#files = files
  }

  override async has(descriptor: Descriptor): Promise<boolean> {
    const there = await super.has(descriptor)
    if (there) this.#files.keep(descriptor.digest)
    return there
  }

  async write(descriptor: Descriptor, body: Bytes, _options?: object, job: Job = silentJob): Promise<void> {
    if (await this.has(descriptor)) return
    await this.#files.put(descriptor, body, job)
  }

  async tag(_name: string, descriptor: Descriptor, job: Job = silentJob): Promise<void> {
    if (!(await this.has(descriptor))) throw noContent(descriptor)
    await this.#files.makeRoot(descriptor, job)
  }

  async untag(name: string, job: Job = silentJob): Promise<void> {
    if (name !== DIRECTORY_TAG) throw noImage(name)
    await this.#files.removeRoot(job)
  }

  override async *referrers(
    subject: Descriptor,
    artifactType?: string,
    job: Job = silentJob,
  ): AsyncIterable<Descriptor> {
    for await (const { descriptor, document } of this.walk(await this.#files.documents(job), job)) {
      const entry = referrerEntry(document, descriptor, subject.digest, artifactType)
      if (entry) yield entry
    }
  }
}

class Files implements Layout {
  readonly #folder: string
  /** What the image that is being written needs of what is there. */
  readonly #kept = new Set<Digest>()

  constructor(folder: string) {
    this.#folder = folder
  }

  keep(digest: Digest): void {
    this.#kept.add(digest)
  }

  async entries(): Promise<readonly Descriptor[]> {
    const root = await this.#root(silentJob)
    return root ? [{ ...root, annotations: { 'org.opencontainers.image.ref.name': DIRECTORY_TAG } }] : []
  }

  /** The image, and every other manifest of the folder. */
  async documents(job: Job): Promise<Descriptor[]> {
    const root = await this.#root(job)
    const names = (await readdir(this.#folder)).filter((name) => CONTENT.test(name) && name.endsWith(DOCUMENT))
    const found: Descriptor[] = root ? [root] : []
    for (const name of names.sort().slice(0, MAX_DOCUMENTS)) found.push(...(await this.#document(name, job)))
    return found
  }

  async size(digest: Digest): Promise<number | undefined> {
    const opened = await this.#open(digest, silentJob)
    await opened?.file.close()
    return opened?.size
  }

  async *bytes(digest: Digest, range: ByteRange, job: Job): Bytes {
    const opened = await this.#open(digest, job)
    if (!opened) throw noContent({ mediaType: '', digest, size: 0 })
    try {
      yield* readFrom(opened.file, range, job)
    } finally {
      await opened.file.close()
    }
  }

  async put(descriptor: Descriptor, body: Bytes, job: Job): Promise<void> {
    const { digest, mediaType } = descriptor
    const isDocument = isManifestType(mediaType) || isIndexType(mediaType)
    const name = digestHex(digest) + (isDocument ? DOCUMENT : '')
    await replaceFile(this.#path(name), stoppable(verified(body, descriptor), job))
    this.#kept.add(digest)
  }

  async makeRoot({ digest }: Descriptor, job: Job): Promise<void> {
    await using _ = await lock(this.#path('version'), {}, job)
    const old = await this.#root(job)
    if (old?.digest === digest) return
    // what was the image may be a platform of the new one
    if (old && this.#kept.has(old.digest)) await this.#demote(old)
    await rename(this.#path(digestHex(digest) + DOCUMENT), this.#path(ROOT)).catch(async (error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
      // it lies there as any other content, because its media type was not known when it was written
      await rename(this.#path(digestHex(digest)), this.#path(ROOT))
    })
    await this.#sweep()
  }

  async removeRoot(job: Job): Promise<void> {
    await using _ = await lock(this.#path('version'), {}, job)
    const old = await this.#root(job)
    if (!old) throw noImage(DIRECTORY_TAG)
    await this.#demote(old)
  }

  #demote({ digest }: Descriptor): Promise<void> {
    return rename(this.#path(ROOT), this.#path(digestHex(digest) + DOCUMENT))
  }

  /** Takes away what belongs to an image that is no longer here. */
  async #sweep(): Promise<void> {
    const kept = new Set([...this.#kept].map(digestHex))
    for (const name of await readdir(this.#folder)) {
      const belongs = CONTENT.test(name) && !kept.has(name.split('.', 1)[0]!)
      if (belongs) await rm(this.#path(name), { force: true })
    }
  }

  async #root(job: Job): Promise<Descriptor | undefined> {
    const bytes = await this.#small(ROOT, job)
    return bytes && descriptorOf(bytes, parseImageDocument(bytes).mediaType)
  }

  async #document(name: string, job: Job): Promise<Descriptor[]> {
    const bytes = await this.#small(name, job)
    if (!bytes) return []
    try {
      return [descriptorOf(bytes, parseImageDocument(bytes).mediaType)]
    } catch (error) {
      if (hasCode(error, 'JSON_INVALID', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED')) return []
      throw error
    }
  }

  async #open(digest: Digest, job: Job): ReturnType<typeof openRegularFile> {
    const hex = digestHex(digest)
    for (const name of [hex, hex + DOCUMENT]) {
      const opened = await openRegularFile(this.#path(name), { noLinks: true })
      if (opened) return opened
    }
    const bytes = await this.#small(ROOT, job)
    const isRoot = bytes && digestOf(bytes, digestAlgorithm(digest)) === digest
    return isRoot ? openRegularFile(this.#path(ROOT), { noLinks: true }) : undefined
  }

  #small(name: string, job: Job): Promise<Buffer | undefined> {
    return readSmallFile(this.#path(name), LIMITS.manifestBytes, job, { noLinks: true })
  }

  #path(name: string): string {
    return path.join(this.#folder, name)
  }
}
