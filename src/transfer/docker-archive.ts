import { basename } from 'node:path/posix'
import { createDigester, type Digest, digestHex, digestOf, fail, type Job, type SlipwayError } from '../core/index.ts'
import { SNIFF_BYTES, sniffCompression } from '../layer/index.ts'
import {
  checkImage,
  type Descriptor,
  descriptorOf,
  LIMITS,
  type Manifest,
  MEDIA,
  parseConfig,
  type WrittenDocument,
  writeManifest,
} from '../oci/index.ts'
import type { DockerArchiveItem } from './docker-manifest.ts'
import type { TarFile, TarFileMember } from './tar-file.ts'

/** An image of a docker archive with the manifest that it did not have there. */
export interface DockerArchiveImage {
  readonly manifest: WrittenDocument
  /** Where config and layers lie. */
  readonly contents: ReadonlyMap<Digest, TarFileMember>
}

/** The digest of an image's config, which is checked when the config is named by it. */
export async function readDockerConfig(
  tar: TarFile,
  item: DockerArchiveItem,
  job: Job,
): Promise<{ bytes: Buffer; digest: Digest; member: TarFileMember }> {
  const member = tar.find(item.config, { unique: true })
  if (!member) throw missing(item.config)
  const bytes = await tar.readWhole(member, { name: item.config, limit: LIMITS.configBytes }, job)
  const digest = digestOf(bytes)
  const named = /^(?:sha256:)?([0-9a-f]{64})(?:\.json)?$/.exec(basename(item.config))?.[1]
  if (named !== undefined && named !== digestHex(digest)) {
    throw fail('CONTENT_MISMATCH', `the image config ${named} in the archive has the digest ${digest}`)
  }
  return { bytes, digest, member }
}

/**
 * Makes the manifest of an image. The config says what digests the plain layers have, so that they need not be read
 * here: whoever reads them finds out whether it is true. Only compressed layers are read through, for theirs.
 */
export async function readDockerImage(tar: TarFile, item: DockerArchiveItem, job: Job): Promise<DockerArchiveImage> {
  const { bytes, digest, member } = await readDockerConfig(tar, item, job)
  const config = parseConfig(bytes)
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== item.layers.length) {
    const what = `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${item.layers.length}`
    throw fail('CONFIG_INVALID', what)
  }
  const contents = new Map<Digest, TarFileMember>([[digest, member]])
  const layers: Descriptor[] = []
  for (const [i, name] of item.layers.entries()) {
    const layer = tar.find(name)
    if (!layer) throw missing(name)
    const descriptor = await describeLayer(tar, { name, member: layer, diffId: diffIds[i]! }, job)
    layers.push(descriptor)
    contents.set(descriptor.digest, layer)
  }
  const described = descriptorOf(bytes, MEDIA.ociConfig)
  const manifest: Manifest = { schemaVersion: 2, mediaType: MEDIA.ociManifest, config: described, layers }
  checkImage(manifest, config)
  return { manifest: writeManifest(manifest), contents }
}

async function describeLayer(
  tar: TarFile,
  layer: { name: string; member: TarFileMember; diffId: Digest },
  job: Job,
): Promise<Descriptor> {
  const { member, name, diffId } = layer
  const size = member.size
  const chunks: Uint8Array[] = []
  for await (const chunk of tar.read(member, { start: 0, end: SNIFF_BYTES }, job)) chunks.push(chunk)
  const compression = sniffCompression(Buffer.concat(chunks))
  switch (compression) {
    case 'none':
      return { mediaType: MEDIA.ociLayer, digest: diffId, size }
    case 'gzip':
      return { mediaType: MEDIA.ociLayerGzip, digest: await digestMember(tar, member, job), size }
    case 'zstd':
      return { mediaType: MEDIA.ociLayerZstd, digest: await digestMember(tar, member, job), size }
    default:
      throw invalid(`the layer ${JSON.stringify(name.slice(0, 200))} is compressed with ${compression}`)
  }
}

async function digestMember(tar: TarFile, member: TarFileMember, job: Job): Promise<Digest> {
  const digester = createDigester()
  for await (const chunk of tar.read(member, { start: 0 }, job)) digester.update(chunk)
  return digester.digest()
}

function missing(name: string): SlipwayError {
  return invalid(`there is no ${JSON.stringify(name.slice(0, 200))} in it, but manifest.json names it`)
}

function invalid(message: string): SlipwayError {
  return fail('ARCHIVE_INVALID', `invalid image archive: ${message}`)
}
