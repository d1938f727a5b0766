import { expect, test } from 'vitest'
import { type Digest, digestOf } from '../core/index.ts'
import { type Descriptor, MEDIA } from '../oci/index.ts'
import { addImage, temporaryStore } from './fixture.suite.ts'

const subject = digestOf(Buffer.from('subject'))

function entry(digest: Digest, artifactType = 'application/x'): Descriptor {
  return { mediaType: MEDIA.ociManifest, digest, size: 7, artifactType, annotations: { by: 'me' } }
}

test('are listed by what they refer to, sorted, once', () => {
  const { referrers } = temporaryStore()
  const entries = ['a', 'b', 'c'].map((name) => entry(digestOf(Buffer.from(name))))
  for (const each of [...entries, entries[0]!]) referrers.add(subject, each)
  referrers.add(digestOf(Buffer.from('other')), entry(digestOf(Buffer.from('d'))))
  const listed = referrers.list(subject)
  expect(listed).toHaveLength(3)
  expect(listed.map(({ digest }) => digest)).toEqual(entries.map(({ digest }) => digest).sort())
  expect(listed).toContainEqual(entries[1])
  expect(referrers.list(entries[0]!.digest)).toEqual([])
})

test('the latest entry of a manifest counts', () => {
  const { referrers } = temporaryStore()
  const digest = digestOf(Buffer.from('a'))
  referrers.add(subject, entry(digest, 'old'))
  referrers.add(subject, entry(digest, 'new'))
  expect(referrers.list(subject).map(({ artifactType }) => artifactType)).toEqual(['new'])
})

test('live as long as what they refer to', async () => {
  const store = temporaryStore()
  const image = await addImage(store, [{ a: 'x' }])
  const signature = store.blobs.writeWhole(Buffer.from('{"signature":1}'), store.testLease)
  store.referrers.add(image.descriptor.digest, entry(signature))
  store.testLease[Symbol.dispose]()
  expect(store.collect().digests).toEqual([])
  store.images.remove([image.descriptor.digest])
  expect(store.collect().digests).toContain(signature)
  expect(store.blobs.has(signature)).toBe(false)
  expect(store.referrers.list(image.descriptor.digest)).toEqual([])
})
