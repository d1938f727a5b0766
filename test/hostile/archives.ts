/** Images made by hand, to be loaded. */
import { createHash } from 'node:crypto'
import { archive, forge } from '../../src/layer/tar/forge.suite.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A layer as it lies in an archive. */
export interface ArchivedLayer {
  tar: Buffer
  /** As it lies there, when that is not the plain tar. */
  bytes?: Buffer
  mediaType?: string
}

/** An OCI archive of one image, named `hostile:latest`. `config` is what a container of it runs with. */
export function ociArchive(layers: readonly ArchivedLayer[], config: object = {}): Buffer {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ tar }) => `sha256:${sha(tar)}`) }
  const blobs = layers.map(({ tar, bytes = tar }) => bytes)
  const configBytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config, rootfs }))
  const describe = (bytes: Buffer, mediaType: string): object => {
    return { mediaType, digest: `sha256:${sha(bytes)}`, size: bytes.length }
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: describe(configBytes, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map(({ mediaType = 'application/vnd.oci.image.layer.v1.tar' }, at) =>
        describe(blobs[at]!, mediaType),
      ),
    }),
  )
  const annotations = { 'io.containerd.image.name': 'docker.io/library/hostile:latest' }
  const index = { schemaVersion: 2, manifests: [{ ...describe(manifest, MANIFEST), annotations }] }
  return archive(
    forge({ name: 'oci-layout' }, '{"imageLayoutVersion":"1.0.0"}'),
    forge({ name: 'index.json' }, JSON.stringify(index)),
    ...[...new Map([...blobs, configBytes, manifest].map((bytes) => [sha(bytes), bytes]))].map(([hex, bytes]) =>
      forge({ name: `blobs/sha256/${hex}` }, bytes),
    ),
  )
}
