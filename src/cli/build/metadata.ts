import type { BuildReport } from '../../engine/index.ts'

/** What `--metadata-file` gets: the keys of buildx, those that there is something to say for, sorted. */
export function metadataOf({ image, names, digest, record }: BuildReport): string {
  const metadata: Record<string, unknown> = { 'buildx.build.ref': `default/default/${record.id}` }
  if (image) {
    const { configDigest, mediaType, size, annotations, platform } = image
    if (configDigest) metadata['containerimage.config.digest'] = configDigest
    metadata['containerimage.descriptor'] = {
      ...{ mediaType, digest, size },
      ...(annotations ? { annotations: sorted(annotations) } : {}),
      ...(platform ? { platform: sorted(platform) } : {}),
    }
    metadata['containerimage.digest'] = digest
    if (names.length > 0) metadata['image.name'] = names.join(',')
  }
  return JSON.stringify(sorted(metadata), null, 2)
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
