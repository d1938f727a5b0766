import { expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import {
  createIndex,
  isAttestation,
  isImageManifest,
  MEDIA,
  parseImageDocument,
  parseManifest,
  selectManifest,
  writeAttestation,
} from './index.ts'

const image = {
  mediaType: MEDIA.ociManifest,
  digest: digestOf('image'),
  size: 7,
  platform: { os: 'linux', architecture: 'amd64' },
}
const statement = {
  predicateType: 'https://spdx.dev/Document',
  predicate: { a: '<>' },
  subjects: [{ name: 'pkg:docker/x@1', digest: image.digest }],
}

test('the documents that BuildKit writes', () => {
  const { documents, entry } = writeAttestation(image, [statement])
  const [layer, config, manifest] = documents
  expect(layer!.bytes.toString()).toBe(
    `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","subject":[{"name":"pkg:docker/x@1","digest":{"sha256":"${image.digest.slice(7)}"}}],"predicate":{"a":"\\u003c\\u003e"}}`,
  )
  expect(config!.bytes.toString()).toBe(
    `{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":["${layer!.descriptor.digest}"]}}`,
  )
  expect(JSON.parse(manifest!.bytes.toString())).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: config!.descriptor,
    layers: [
      {
        mediaType: 'application/vnd.in-toto+json',
        digest: layer!.descriptor.digest,
        size: layer!.bytes.length,
        annotations: { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' },
      },
    ],
  })
  expect(entry).toEqual({
    ...manifest!.descriptor,
    annotations: {
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
    platform: { architecture: 'unknown', os: 'unknown' },
  })
})

test('it is never taken for an image', () => {
  const { documents, entry } = writeAttestation(image, [statement])
  expect(isAttestation(entry)).toBe(true)
  expect(isImageManifest(parseManifest(documents.at(-1)!.bytes))).toBe(false)
  const index = createIndex([entry, image])
  expect(selectManifest(index, image.platform)).toBe(image)
  expect(() => selectManifest(index, { os: 'linux', architecture: 'riscv64' })).toThrow(/no matching manifest/)
  expect(parseImageDocument(documents.at(-1)!.bytes).kind).toBe('manifest')
})
