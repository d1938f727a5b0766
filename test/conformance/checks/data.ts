import { type Check, once } from '../check.ts'
import { DATA_SETS, type DataSet, makeDataSet, type SampleManifest } from '../data-sets.ts'
import {
  type Answered,
  ask,
  digest,
  expectHeader,
  expectSame,
  expectStatus,
  expectThat,
  locationOf,
  type Target,
} from '../target.ts'
import { pushBlob } from './blobs.ts'

const baseOf = (target: Target, name: string): string => `/v2/conformance/${target.salt}/data/${name}`

/** A data set in the registry, and what the registry said to each manifest. */
interface Pushed {
  readonly base: string
  readonly set: DataSet
  readonly answers: readonly Answered[]
}

async function push(target: Target, name: string): Promise<Pushed> {
  const set = makeDataSet(name, target)
  const base = baseOf(target, name)
  for (const blob of set.blobs) await pushBlob(target, base, blob, set.algorithm)
  const answers: Answered[] = []
  for (const { bytes, mediaType, tag, digest: of } of set.manifests) {
    const parameters = (set.tagParameters ?? []).map((one) => `tag=${one}`).join('&')
    const path = `${base}/manifests/${tag ?? `${of}${parameters && `?${parameters}`}`}`
    answers.push(
      expectStatus(await ask(target, 'PUT', path, { headers: { 'content-type': mediaType }, body: bytes }), 201),
    )
  }
  return { base, set, answers }
}

/** The answers to the pushes: what they say, and where they lead. */
async function checkAnswers(target: Target, { set, answers }: Pushed): Promise<void> {
  for (const [i, answer] of answers.entries()) {
    const { bytes, digest: of, subject } = set.manifests[i]!
    expectHeader(answer, 'docker-content-digest', of)
    if (subject !== undefined) expectHeader(answer, 'oci-subject', subject)
    const told = answer.headers.get('oci-tag')?.split(/,\s*/).sort() ?? []
    expectSame(told, [...(set.tagParameters ?? [])].sort(), 'OCI-Tag')
    const got = expectStatus(await ask(target, 'GET', locationOf(answer)), 200)
    expectThat(got.body.equals(bytes), 'Location does not lead to the bytes')
  }
}

const tagsOf = (set: DataSet): string[] =>
  [...set.manifests.flatMap(({ tag }) => tag ?? []), ...(set.tagParameters ?? [])].sort()

const referencesOf = (set: DataSet, manifest: SampleManifest): string[] => [
  manifest.digest,
  ...(manifest.tag === undefined ? [] : [manifest.tag]),
  ...(set.tagParameters ?? []),
]

/** One thing that must hold of a data set that was pushed. */
interface Step {
  readonly name: string
  run(target: Target, base: string, set: DataSet): Promise<void>
}

const STEPS: readonly Step[] = [
  {
    name: 'tag-list',
    async run(target, base, set) {
      const tags = tagsOf(set)
      const answer = expectStatus(await ask(target, 'GET', `${base}/tags/list`), 200)
      const found = answer.json() as { name: string; tags: string[] }
      expectSame(found.name, base.slice('/v2/'.length), 'name')
      expectSame(found.tags, tags, 'tags')
      const none = expectStatus(await ask(target, 'GET', `${base}/tags/list?n=0`), 200)
      expectSame((none.json() as { tags: string[] }).tags, [], 'tags with n=0')
      if (tags.length === 0) return
      const rest = expectStatus(await ask(target, 'GET', `${base}/tags/list?last=${tags[0]}`), 200)
      expectSame((rest.json() as { tags: string[] }).tags, tags.slice(1), 'tags after the first')
      const one = expectStatus(await ask(target, 'GET', `${base}/tags/list?n=1`), 200)
      expectSame((one.json() as { tags: string[] }).tags, tags.slice(0, 1), 'tags with n=1')
      const link = one.headers.get('link')
      expectSame(link !== null, tags.length > 1, 'Link')
      if (link === null) return
      const next = expectStatus(await ask(target, 'GET', /^<([^>]+)>/.exec(link)![1]!), 200)
      expectSame((next.json() as { tags: string[] }).tags, tags.slice(1, 2), 'tags of the next page')
    },
  },
  {
    name: 'head',
    async run(target, base, set) {
      for (const manifest of set.manifests) {
        for (const reference of referencesOf(set, manifest)) {
          const answer = expectStatus(await ask(target, 'HEAD', `${base}/manifests/${reference}`), 200)
          expectHeader(answer, 'content-type', manifest.mediaType)
          expectHeader(answer, 'content-length', String(manifest.bytes.length))
          expectHeader(answer, 'docker-content-digest', manifest.digest)
        }
      }
    },
  },
  {
    name: 'pull',
    async run(target, base, set) {
      for (const manifest of set.manifests) {
        for (const reference of referencesOf(set, manifest)) {
          const answer = expectStatus(await ask(target, 'GET', `${base}/manifests/${reference}`), 200)
          expectHeader(answer, 'content-type', manifest.mediaType)
          expectHeader(answer, 'docker-content-digest', manifest.digest)
          expectThat(answer.body.equals(manifest.bytes), 'the bytes are not those that were pushed')
        }
      }
      for (const blob of set.blobs) {
        const answer = expectStatus(await ask(target, 'GET', `${base}/blobs/${digest(blob, set.algorithm)}`), 200)
        expectThat(answer.body.equals(blob), 'the bytes of a blob are not those that were pushed')
      }
    },
  },
  { name: 'referrers', run: (target, base, set) => checkReferrers(target, base, set) },
  {
    name: 'referrers by type',
    async run(target, base, set) {
      const types = new Set(set.manifests.flatMap(({ subject, artifactType }) => (subject ? (artifactType ?? []) : [])))
      for (const type of types) await checkReferrers(target, base, set, type)
      await checkReferrers(target, base, set, 'application/vnd.example.nothing')
    },
  },
]

async function checkReferrers(target: Target, base: string, set: DataSet, type?: string): Promise<void> {
  for (const subject of new Set(set.manifests.map((one) => one.subject ?? one.digest))) {
    const query = type === undefined ? '' : `?artifactType=${encodeURIComponent(type)}`
    const answer = expectStatus(await ask(target, 'GET', `${base}/referrers/${subject}${query}`), 200)
    expectHeader(answer, 'content-type', 'application/vnd.oci.image.index.v1+json')
    if (type !== undefined) expectHeader(answer, 'oci-filters-applied', 'artifactType')
    const found = answer.json() as { schemaVersion: number; manifests: Record<string, unknown>[] }
    expectSame(found.schemaVersion, 2, 'schemaVersion')
    const entries = set.manifests
      .filter((one) => one.subject === subject && (type === undefined || one.artifactType === type))
      .map((one) => [one.digest, one.mediaType, one.bytes.length, one.artifactType, one.annotations])
    const fields = ['digest', 'mediaType', 'size', 'artifactType', 'annotations']
    const told = found.manifests.map((entry) => fields.map((field) => entry[field]))
    expectSame(told.sort(), entries.sort(), `referrers of ${subject}`)
  }
}

const DELETES: readonly Step[] = [
  {
    name: 'delete tag',
    async run(target, base, set) {
      for (const tag of tagsOf(set)) {
        expectStatus(await ask(target, 'DELETE', `${base}/manifests/${tag}`), 202)
        expectStatus(await ask(target, 'HEAD', `${base}/manifests/${tag}`), 404)
      }
      for (const one of set.manifests) expectStatus(await ask(target, 'HEAD', `${base}/manifests/${one.digest}`), 200)
    },
  },
  {
    name: 'delete manifest',
    async run(target, base, set) {
      for (const one of set.manifests.toReversed()) {
        expectStatus(await ask(target, 'DELETE', `${base}/manifests/${one.digest}`), 202)
        expectStatus(await ask(target, 'HEAD', `${base}/manifests/${one.digest}`), 404)
        expectStatus(await ask(target, 'GET', `${base}/manifests/${one.digest}`), 404)
        if (one.subject === undefined) continue
        const answer = expectStatus(await ask(target, 'GET', `${base}/referrers/${one.subject}`), 200)
        const { manifests } = answer.json() as { manifests: { digest: string }[] }
        expectThat(!manifests.some((entry) => entry.digest === one.digest), 'it is still listed as a referrer')
      }
    },
  },
  {
    name: 'delete blob',
    async run(target, base, set) {
      for (const of of new Set(set.blobs.map((blob) => digest(blob, set.algorithm)))) {
        expectStatus(await ask(target, 'DELETE', `${base}/blobs/${of}`), 202)
        expectStatus(await ask(target, 'HEAD', `${base}/blobs/${of}`), 404)
      }
    },
  },
]

function checksOf(name: string): Check[] {
  const pushed = once((target) => push(target, name))
  // each deletion works on what the one before left, whatever came of that
  const steps = [...STEPS, ...DELETES].map((step) => ({
    name: `${name} / ${step.name}`,
    async run(target: Target) {
      const { base, set } = await pushed(target)
      await step.run(target, base, set)
    },
  }))
  return [{ name: `${name} / push`, run: async (target) => checkAnswers(target, await pushed(target)) }, ...steps]
}

const badDigest: Check = {
  name: 'bad-digest-image / push',
  async run(target) {
    const base = baseOf(target, 'bad-digest-image')
    const set = makeDataSet('image', target)
    for (const blob of set.blobs) await pushBlob(target, base, blob)
    const { bytes, mediaType } = set.manifests[0]!
    const wrong = digest(Buffer.from('something else'))
    const headers = { 'content-type': mediaType }
    expectStatus(await ask(target, 'PUT', `${base}/manifests/${wrong}`, { headers, body: bytes }), 400)
    expectStatus(await ask(target, 'HEAD', `${base}/manifests/${wrong}`), 404)
  },
}

export const data: readonly Check[] = [...DATA_SETS.flatMap(checksOf), badDigest]
