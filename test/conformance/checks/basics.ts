import type { Check } from '../check.ts'
import { ask, expectCode, expectHeader, expectSame, expectStatus, type Target } from '../target.ts'

const fresh = (target: Target): string => `/v2/conformance/${target.salt}/fresh`
const NOTHING = `sha256:${'0'.repeat(64)}`

export const basics: readonly Check[] = [
  {
    name: 'ping',
    async run(target) {
      expectStatus(await ask(target, 'GET', '/v2/'), 200)
    },
  },
  {
    name: 'empty / tag list of a fresh repository',
    async run(target) {
      const answer = expectStatus(await ask(target, 'GET', `${fresh(target)}/tags/list`), 200, 404)
      if (answer.status === 404) expectCode(answer, 'NAME_UNKNOWN')
      else expectSame((answer.json() as { tags: unknown }).tags, [], 'tags')
    },
  },
  {
    name: 'empty / referrers of nothing',
    async run(target) {
      const answer = expectStatus(await ask(target, 'GET', `${fresh(target)}/referrers/${NOTHING}`), 200)
      expectHeader(answer, 'content-type', 'application/vnd.oci.image.index.v1+json')
      expectSame((answer.json() as { manifests: unknown }).manifests, [], 'manifests')
    },
  },
  {
    name: 'manifest errors / missing by digest',
    async run(target) {
      const answer = expectStatus(await ask(target, 'GET', `${fresh(target)}/manifests/${NOTHING}`), 404)
      expectCode(answer, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')
      expectStatus(await ask(target, 'HEAD', `${fresh(target)}/manifests/${NOTHING}`), 404)
    },
  },
  {
    name: 'manifest errors / missing by tag',
    async run(target) {
      const answer = expectStatus(await ask(target, 'GET', `${fresh(target)}/manifests/none`), 404)
      expectCode(answer, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')
      expectStatus(await ask(target, 'HEAD', `${fresh(target)}/manifests/none`), 404)
    },
  },
  {
    name: 'manifest errors / invalid digest on GET',
    async run(target) {
      expectStatus(await ask(target, 'GET', `${fresh(target)}/manifests/sha256:totallywrong`), 400, 404)
    },
  },
  {
    name: 'manifest errors / invalid digest on PUT',
    async run(target) {
      const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
      const body = Buffer.from('{}')
      expectStatus(await ask(target, 'PUT', `${fresh(target)}/manifests/sha256:totallywrong`, { headers, body }), 400)
    },
  },
  {
    name: 'blob errors / invalid digest',
    async run(target) {
      expectStatus(await ask(target, 'GET', `${fresh(target)}/blobs/sha256:totallywrong`), 400, 404)
    },
  },
  {
    name: 'referrers errors / invalid digest',
    async run(target) {
      expectStatus(await ask(target, 'GET', `${fresh(target)}/referrers/sha256:totallywrong`), 400)
    },
  },
]
