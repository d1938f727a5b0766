import { type Digest, digestAlgorithm, digestHex } from '../core/index.ts'
import type { Descriptor } from './descriptor.ts'
import { MEDIA } from './media-type.ts'
import { descriptorOf, goJson, type WrittenDocument, writeManifest } from './write.ts'

/** A statement about artifacts (in-toto attestation framework, "Statement"): what is said of them is the predicate. */
export interface Statement {
  /** Says how to read the predicate: `https://spdx.dev/Document`. */
  readonly predicateType: string
  readonly predicate: unknown
  readonly subjects: readonly { readonly name: string; readonly digest: Digest }[]
}

const IN_TOTO = 'application/vnd.in-toto+json'

/** An attestation manifest with all that it points at. */
export interface WrittenAttestation {
  /** Children before parents: statements, config, and the manifest. */
  readonly documents: readonly WrittenDocument[]
  /** Of the manifest, as an entry of the index beside the image that it is about. */
  readonly entry: Descriptor
}

/**
 * Statements about one image as BuildKit attaches them: a manifest whose layers are the statements, for an index in
 * which its platform is unknown/unknown and annotations name the image (BuildKit docs, "Image attestation storage").
 */
export function writeAttestation(image: Descriptor, statements: readonly Statement[]): WrittenAttestation {
  const written = statements.map(writeStatement)
  const config = documentOf(
    goJson({
      architecture: 'unknown',
      os: 'unknown',
      config: {},
      rootfs: { type: 'layers', diff_ids: written.map(({ descriptor }) => descriptor.digest) },
    }),
    MEDIA.ociConfig,
  )
  const manifest = writeManifest({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: config.descriptor,
    layers: written.map(({ descriptor }) => descriptor),
  })
  const entry: Descriptor = {
    ...manifest.descriptor,
    annotations: {
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
    platform: { architecture: 'unknown', os: 'unknown' },
  }
  return { documents: [...written, config, manifest], entry }
}

/** The JSON of a statement, on one line. */
export function formatStatement({ predicateType, predicate, subjects }: Statement): string {
  const subject = subjects.map(({ name, digest }) => ({
    name,
    digest: { [digestAlgorithm(digest)]: digestHex(digest) },
  }))
  return goJson({ _type: 'https://in-toto.io/Statement/v0.1', predicateType, subject, predicate })
}

function writeStatement(statement: Statement): WrittenDocument {
  const { bytes, descriptor } = documentOf(formatStatement(statement), IN_TOTO)
  const annotations = { 'in-toto.io/predicate-type': statement.predicateType }
  return { bytes, descriptor: { ...descriptor, annotations } }
}

function documentOf(text: string, mediaType: string): WrittenDocument {
  const bytes = Buffer.from(text)
  return { bytes, descriptor: descriptorOf(bytes, mediaType) }
}
