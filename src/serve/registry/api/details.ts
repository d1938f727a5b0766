import type { Digest } from '../../../core/index.ts'
import {
  type Descriptor,
  formatPlatform,
  historySteps,
  type ImageConfig,
  parseImageDocument,
} from '../../../oci/index.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import type { ImageFacts } from '../upkeep/image-facts.ts'
import { childrenOf, type ManifestRow, oneManifest, sharing, tagsOf } from './queries.ts'

/** Everything about one manifest or index of a repository; `undefined` when it is not there. */
export function describeManifest(
  { db, facts }: { db: RegistryDatabase; facts: ImageFacts },
  repo: number,
  digest: Digest,
): object | undefined {
  const row = oneManifest(db, repo, digest)
  if (!row) return undefined
  const document = parseImageDocument(row.bytes, row.mediaType)
  const common = { ...commonOf(row), tags: tagsOf(db, repo, digest) }
  if (document.kind === 'index') {
    const { manifests, annotations = {} } = document.index
    return { kind: 'index', ...common, annotations, manifests: entriesOf(db, repo, row, manifests) }
  }
  const { manifest } = document
  const config = facts.config(manifest.config.digest)
  return {
    kind: config ? 'image' : 'artifact',
    ...common,
    annotations: manifest.annotations ?? {},
    ...(config
      ? { platform: formatPlatform(config), config: configOf(config), history: historyOf(config, manifest.layers) }
      : {}),
    configDigest: manifest.config.digest,
    layers: layersOf(db, repo, row, manifest.layers),
  }
}

function commonOf(row: ManifestRow): object {
  const { digest, mediaType, artifactType, subject, size, total, pushedAt, pushedBy, pulledAt } = row
  return { digest, mediaType, artifactType, subject, size, bytes: total, pushedAt, pushedBy, pulledAt }
}

function entriesOf(db: RegistryDatabase, repo: number, row: ManifestRow, entries: readonly Descriptor[]): object[] {
  const known = new Map(childrenOf(db, repo, row.digest).map((child) => [child.digest, child]))
  return entries.map(({ digest, mediaType, platform, artifactType, annotations }) => ({
    digest,
    mediaType,
    artifactType: artifactType ?? null,
    platform: platform ? formatPlatform(platform) : null,
    annotations: annotations ?? {},
    bytes: known.get(digest)?.total ?? null,
    pulledAt: known.get(digest)?.pulledAt ?? null,
  }))
}

/** What a container of it is started with, and who made it when. */
function configOf({ created, author, config = {} }: ImageConfig): object {
  const { Env, Entrypoint, Cmd, WorkingDir, User, ExposedPorts, Volumes, Labels, StopSignal } = config
  return {
    created: created ?? null,
    author: author ?? null,
    env: Env ?? [],
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    workingDir: WorkingDir ?? '',
    user: User ?? '',
    exposedPorts: Object.keys(ExposedPorts ?? {}),
    volumes: Object.keys(Volumes ?? {}),
    labels: Labels ?? {},
    stopSignal: StopSignal ?? null,
  }
}

/** Steps from the bottom up, each with the layer that it made, if any. */
function historyOf(config: ImageConfig, layers: readonly Descriptor[]): object[] {
  return historySteps(config).map(({ entry, layer }) => ({
    created: entry?.created ?? null,
    createdBy: entry?.created_by ?? '',
    comment: entry?.comment ?? '',
    layer: layer === undefined ? null : (layers[layer]?.digest ?? null),
    bytes: layer === undefined ? 0 : (layers[layer]?.size ?? 0),
  }))
}

function layersOf(db: RegistryDatabase, repo: number, row: ManifestRow, layers: readonly Descriptor[]): object[] {
  const shared = new Map(sharing(db, repo, row.digest).map((share) => [share.digest, share]))
  return layers.map(({ digest, mediaType, size, annotations }) => ({
    digest,
    mediaType,
    size,
    annotations: annotations ?? {},
    manifests: shared.get(digest)?.manifests ?? 0,
    repositories: shared.get(digest)?.repositories ?? 0,
  }))
}
