import { type Descriptor, goJson, MEDIA, type Platform } from '../../oci/index.ts'

/** A manifest that waits in a list. */
export interface ListedManifest {
  /** The whole name it was found by. */
  readonly ref: string
  /** With the platform that it will have in the list. */
  readonly descriptor: Descriptor
  readonly raw: Buffer
}

/** Manifests under one name: a list, that waits here or is in a registry, or a single one. */
export interface InspectedManifest {
  /** Of the list; missing for a single manifest. */
  mediaType?: string
  manifests: ListedManifest[]
}

/** An OCI index where there is nothing else than OCI manifests, else Docker's list. */
export function listTypeOf(manifests: readonly ListedManifest[]): string {
  return manifests.every(({ descriptor }) => descriptor.mediaType === MEDIA.ociManifest)
    ? MEDIA.ociIndex
    : MEDIA.dockerList
}

/** The document of a list as Docker shows and sends it. */
export function listDocument({ mediaType, manifests }: InspectedManifest): string {
  const entries = manifests.map(({ descriptor }) => ({
    mediaType: descriptor.mediaType,
    size: descriptor.size,
    digest: descriptor.digest,
    ...(descriptor.platform ? { platform: platformJson(descriptor.platform) } : {}),
  }))
  return goJson({ schemaVersion: 2, mediaType: mediaType ?? listTypeOf(manifests), manifests: entries }, 3)
}

/** An entry as Docker writes it to the file and shows it. */
export function manifestJson({ ref, descriptor, raw }: ListedManifest): Record<string, unknown> {
  const { mediaType, digest, size, platform } = descriptor
  const field = mediaType === MEDIA.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest'
  return {
    Ref: ref,
    Descriptor: { mediaType, digest, size, ...(platform ? { platform: platformJson(platform) } : {}) },
    Raw: raw.toString('base64'),
    [field]: JSON.parse(raw.toString()) as unknown,
  }
}

/** A platform with its fields in Go's order, empty ones left out. */
export function platformJson(platform: Platform): Record<string, unknown> {
  const { architecture, os, variant } = platform
  const [version, features] = [platform['os.version'], platform['os.features']]
  return {
    architecture,
    os,
    ...(version ? { 'os.version': version } : {}),
    ...(features && features.length > 0 ? { 'os.features': features } : {}),
    ...(variant ? { variant } : {}),
  }
}
