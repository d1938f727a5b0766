import {
  type ByteRange,
  type Bytes,
  type Digest,
  digestAlgorithm,
  digestHex,
  fail,
  type Job,
  silentJob,
} from '../core/index.ts'
import { type Descriptor, type ImageSource, LIMITS, MEDIA, parseIndex } from '../oci/index.ts'
import { readDockerConfig, readDockerImage } from './docker-archive.ts'
import { type DockerArchiveItem, parseDockerManifest } from './docker-manifest.ts'
import { nameOf, withName, withUnnamed } from './layout-names.ts'
import { type Layout, LayoutReader } from './layout-reader.ts'
import { openTarFile, type TarFile, type TarFileMember } from './tar-file.ts'

/**
 * Opens what `docker save`, `podman save`, skopeo, buildah, BuildKit or kaniko wrote: a tar of an OCI layout or a
 * docker archive of any age, compressed or not; a path, or a stream that is first spooled to a file in `temporary`
 * (the system's folder when not said). Fails with `ARCHIVE_INVALID`, `TAR_INVALID` and as parsing documents does.
 */
export async function openImageArchive(
  input: string | Bytes,
  options: { temporary?: string } = {},
  job: Job = silentJob,
): Promise<ImageArchive> {
  const tar = await openTarFile(input, options, job)
  try {
    const contents = new Contents(tar)
    await contents.readLayout(job)
    await contents.readDocker(job)
    if ((await contents.entries()).length === 0) throw unrecognized()
    return new ImageArchive(tar, contents)
  } catch (error) {
    await tar[Symbol.asyncDispose]()
    throw error
  }
}

/** The images of an archive. Layers are verified while they are read, by whoever reads them first. */
export class ImageArchive extends LayoutReader implements ImageSource, AsyncDisposable {
  readonly #tar: TarFile

  constructor(tar: TarFile, contents: Contents) {
    super(contents)
    this.#tar = tar
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tar[Symbol.asyncDispose]()
  }
}

/** What an archive holds, by digest, in both of its forms. */
class Contents implements Layout {
  readonly #tar: TarFile
  /** Manifests that were made here, because a docker archive has none. */
  readonly #made = new Map<Digest, Buffer>()
  /** Members of a docker archive that are not named by their digest. */
  readonly #members = new Map<Digest, TarFileMember>()
  #entries: readonly Descriptor[] = []

  constructor(tar: TarFile) {
    this.#tar = tar
  }

  async entries(): Promise<readonly Descriptor[]> {
    return this.#entries
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.#made.get(digest)?.length ?? this.#member(digest)?.size
  }

  async *bytes(digest: Digest, range: ByteRange, job: Job): Bytes {
    const made = this.#made.get(digest)
    const member = this.#member(digest)
    if (made) yield made.subarray(range.start, range.end)
    else if (member) yield* this.#tar.read(member, range, job)
  }

  /** Takes in the images of `index.json` (image spec, "Image Layout"). */
  async readLayout(job: Job): Promise<void> {
    const member = this.#tar.find('index.json', { unique: true })
    if (!member) return
    const bytes = await this.#tar.readWhole(member, { name: 'index.json', limit: LIMITS.manifestBytes }, job)
    this.#entries = parseIndex(bytes, MEDIA.ociIndex).manifests
  }

  /** Takes in the images of `manifest.json`, where `index.json` does not have them already. */
  async readDocker(job: Job): Promise<void> {
    const member = this.#tar.find('manifest.json', { unique: true })
    if (!member) return
    const bytes = await this.#tar.readWhole(member, { name: 'manifest.json', limit: LIMITS.configBytes }, job)
    const known = await this.#configsOfEntries(job)
    for (const item of parseDockerManifest(bytes)) {
      const root = known.size > 0 ? known.get((await readDockerConfig(this.#tar, item, job)).digest) : undefined
      if (!root) await this.#add(item, job)
      else if (!this.#entries.some((entry) => entry.digest === root.digest && nameOf(entry))) this.#name(root, item)
    }
  }

  async #add(item: DockerArchiveItem, job: Job): Promise<void> {
    const { manifest, contents } = await readDockerImage(this.#tar, item, job)
    this.#made.set(manifest.descriptor.digest, manifest.bytes)
    for (const [digest, member] of contents) this.#members.set(digest, member)
    this.#name(manifest.descriptor, item)
  }

  #name(descriptor: Descriptor, { names }: DockerArchiveItem): void {
    const before = this.#entries
    for (const name of names) this.#entries = withName(this.#entries, name, descriptor)
    // an image whose name a later one takes is still an image of the archive
    for (const image of [...before, descriptor]) this.#entries = withUnnamed(this.#entries, image)
  }

  /** Which image of `index.json` a config belongs to. */
  async #configsOfEntries(job: Job): Promise<Map<Digest, Descriptor>> {
    const configs = new Map<Digest, Descriptor>()
    const reader = new LayoutReader(this)
    for (const root of new Map(this.#entries.map((entry) => [entry.digest, entry])).values()) {
      for await (const { document } of reader.walk([root], job)) {
        if (document.kind === 'manifest') configs.set(document.manifest.config.digest, root)
      }
    }
    return configs
  }

  #member(digest: Digest): TarFileMember | undefined {
    return this.#members.get(digest) ?? this.#tar.find(`blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`)
  }
}

function unrecognized(): Error {
  return fail('ARCHIVE_INVALID', 'unrecognized image format', {
    hint: 'It has neither manifest.json nor index.json. A file system, as `export` writes it, goes in with `import`.',
  })
}
