import { type Bytes, bytesOf, digestAlgorithm, fail, type Job, silentJob, toByteString } from '../core/index.ts'
import { type TarSource, writeTar } from '../layer/index.ts'
import { createIndex, type Descriptor, type ImageTarget, writeIndex } from '../oci/index.ts'
import { archiveEntries, dockerImages } from './archive-lists.ts'
import { ArchiveTarget } from './archive-target.ts'
import { blobPath, writeDockerManifest, writeDockerRepositories } from './docker-manifest.ts'
import { fullName } from './layout-names.ts'

/** `docker` can be loaded by Docker of any age; `oci` is the same without the files that only Docker reads. */
export type ArchiveFormat = 'docker' | 'oci'

/**
 * The bytes of an archive with the images that `fill` copies into the target it is given. Nothing begins before the
 * bytes are asked for; layers pass straight through, in the order in which they are written; what `fill` fails with
 * is what the bytes fail with. The same images in the same order give the same bytes.
 */
export async function* writeImageArchive(
  format: ArchiveFormat,
  fill: (target: ImageTarget) => Promise<void>,
  job: Job = silentJob,
): AsyncGenerator<Uint8Array, void, void> {
  const handoff = new Handoff()
  // to Docker `busybox` is an image, in an OCI layout it is a tag
  const spell = (name: string): string => (format === 'docker' ? fullName(name) : undefined) ?? name
  const target = new ArchiveTarget((descriptor, body) => handoff.give(descriptor, body), spell)
  let failure: { error: unknown } | undefined
  const filled = fill(target)
    .catch((error: unknown) => {
      failure = { error }
    })
    .finally(() => handoff.end())
  try {
    yield* writeTar(members(format, target, { handoff, check: () => failure }), job)
  } catch (error) {
    handoff.abort(error)
    await filled
    throw failure ? failure.error : error
  } finally {
    handoff.abort(fail('CANCELED', 'nobody reads the archive any more'))
    await filled
  }
}

async function* members(
  format: ArchiveFormat,
  target: ArchiveTarget,
  { handoff, check }: { handoff: Handoff; check(): { error: unknown } | undefined },
): AsyncGenerator<TarSource> {
  const folders = new Set<string>()
  yield folder('blobs/')
  for await (const { descriptor, body } of handoff.take()) {
    const parent = `blobs/${digestAlgorithm(descriptor.digest)}/`
    if (!folders.has(parent)) yield folder(parent)
    folders.add(parent)
    yield {
      entry: { ...ATTRIBUTES, name: toByteString(blobPath(descriptor.digest)), type: 'file', size: descriptor.size },
      body,
    }
  }
  const failure = check()
  if (failure) throw failure.error
  yield* lists(format, target)
}

function* lists(format: ArchiveFormat, target: ArchiveTarget): Generator<TarSource> {
  yield textFile('index.json', writeIndex(createIndex(archiveEntries(target)), 0).bytes)
  const images = format === 'docker' ? dockerImages(target) : []
  if (format === 'docker') yield textFile('manifest.json', writeDockerManifest(images))
  yield textFile('oci-layout', '{"imageLayoutVersion":"1.0.0"}')
  const repositories = writeDockerRepositories(images)
  if (repositories !== undefined) yield textFile('repositories', repositories)
}

const ATTRIBUTES = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } } as const

function folder(name: string): TarSource {
  return { entry: { ...ATTRIBUTES, mode: 0o755, name: toByteString(name), type: 'directory' } }
}

function textFile(name: string, text: string | Buffer): TarSource {
  const bytes = Buffer.from(text)
  return { entry: { ...ATTRIBUTES, name: toByteString(name), type: 'file', size: bytes.length }, body: bytesOf(bytes) }
}

interface Parcel {
  readonly descriptor: Descriptor
  readonly body: Bytes
  done(): void
  failed(error: unknown): void
}

/** Where those who write blobs meet the one who writes the archive: one blob at a time, first come, first served. */
class Handoff {
  readonly #waiting: Parcel[] = []
  #ended = false
  #aborted: { error: unknown } | undefined
  #wake: () => void = () => {}

  /** Ends when the blob has been taken, all of it. */
  give(descriptor: Descriptor, body: Bytes): Promise<void> {
    return new Promise((done, failed) => {
      if (this.#aborted) return failed(this.#aborted.error)
      let failure: unknown
      const noted = noteFailure(body, (error) => {
        failure = error
      })
      this.#waiting.push({ descriptor, body: noted, done, failed: (error) => failed(failure ?? error) })
      this.#wake()
    })
  }

  /** Nothing more will be given. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Whoever waits to give something fails with this, and whoever comes later. */
  abort(error: unknown): void {
    this.#aborted ??= { error }
    for (const parcel of this.#waiting.splice(0)) parcel.failed(error)
    this.#wake()
  }

  async *take(): AsyncGenerator<Parcel> {
    for (;;) {
      while (this.#waiting.length === 0) {
        if (this.#ended || this.#aborted) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      const parcel = this.#waiting.shift()!
      let taken = false
      try {
        yield parcel
        taken = true
      } finally {
        if (taken) parcel.done()
        else parcel.failed(fail('CANCELED', 'the archive was not written to its end'))
      }
    }
  }
}

async function* noteFailure(bytes: Bytes, note: (error: unknown) => void): Bytes {
  try {
    yield* bytes
  } catch (error) {
    note(error)
    throw error
  }
}
