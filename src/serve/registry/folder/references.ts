import type { Descriptor, ImageDocument } from '../../../oci/index.ts'

/** Something that a manifest or index names. */
export interface Reference {
  readonly kind: 'config' | 'layer' | 'manifest'
  readonly descriptor: Descriptor
}

/** What a document names, in its order; its subject is not part of it. */
export function referencesOf(document: ImageDocument): Reference[] {
  if (document.kind === 'index') {
    return document.index.manifests.map((descriptor) => ({ kind: 'manifest', descriptor }))
  }
  const { config, layers } = document.manifest
  return [
    { kind: 'config', descriptor: config },
    ...layers.map((descriptor): Reference => ({ kind: 'layer', descriptor })),
  ]
}

/** Layers that their owner does not let others distribute: registries take manifests that name them without having them. */
export function isForeignLayer({ mediaType }: Descriptor): boolean {
  return mediaType.includes('.nondistributable.') || mediaType.includes('.foreign.')
}
