import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { MEDIA } from '../../../oci/index.ts'
import { type Answer, manifestOf, putBlob, putImage, send, startRegistry } from '../fixture.suite.ts'

const OCI = { 'content-type': MEDIA.ociManifest }

describe('reading a manifest', () => {
  test('has the exact bytes, and headers also on HEAD', async () => {
    const server = await startRegistry()
    const { digest, bytes } = await putImage(server, 'a/b', '1')
    for (const [method, reference] of ['GET', 'HEAD'].flatMap((m) => [
      [m, '1'],
      [m, digest],
    ])) {
      const answer = await send(server, method!, `/v2/a/b/manifests/${reference}`)
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({
        'content-type': MEDIA.ociManifest,
        'content-length': String(bytes.length),
        'docker-content-digest': digest,
        etag: `"${digest}"`,
      })
      expect(answer.body).toEqual(method === 'GET' ? bytes : Buffer.alloc(0))
    }
  })

  test.each([
    ['"DIGEST"', 304],
    ['W/"DIGEST"', 304],
    ['DIGEST', 304],
    ['"x", "DIGEST"', 304],
    ['*', 304],
    ['"x"', 200],
  ])('If-None-Match %s answers %d', async (template, status) => {
    const server = await startRegistry()
    const { digest } = await putImage(server, 'a', '1')
    const headers = { 'if-none-match': template.replace('DIGEST', digest) }
    const answer = await send(server, 'GET', '/v2/a/manifests/1', { headers })
    expect(answer.status).toBe(status)
    expect(answer.body.length > 0).toBe(status === 200)
  })

  test('a client that knows no indexes gets the image for linux/amd64', async () => {
    const server = await startRegistry()
    const { digest, bytes } = await putImage(server, 'a', 'image')
    const platform = { os: 'linux', architecture: 'amd64' }
    const entry = { mediaType: MEDIA.ociManifest, digest, size: bytes.length, platform }
    const index = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [entry] })
    const put = await send(server, 'PUT', '/v2/a/manifests/index', {
      headers: { 'content-type': MEDIA.ociIndex },
      body: index,
    })
    expect(put.status).toBe(201)
    const ask = (accept: string): Promise<Answer> =>
      send(server, 'GET', '/v2/a/manifests/index', { headers: { accept } })
    expect((await ask(MEDIA.dockerManifest)).headers['docker-content-digest']).toBe(digest)
    expect((await ask(`${MEDIA.dockerManifest}, */*`)).headers['content-type']).toBe(MEDIA.ociIndex)
    expect((await ask(`${MEDIA.ociIndex};q=0.9`)).headers['content-type']).toBe(MEDIA.ociIndex)
    expect((await ask('text/html')).headers['content-type']).toBe(MEDIA.ociIndex)
  })

  test.each([
    ['none', 404, 'MANIFEST_UNKNOWN'],
    [`sha256:${'0'.repeat(64)}`, 404, 'MANIFEST_UNKNOWN'],
    ['sha256:short', 400, 'DIGEST_INVALID'],
    [`md5:${'0'.repeat(32)}`, 400, 'DIGEST_INVALID'],
  ])('%s answers %d', async (reference, status, code) => {
    const server = await startRegistry()
    await putImage(server, 'a', '1')
    expect(await send(server, 'GET', `/v2/a/manifests/${reference}`)).toMatchObject({ status, code })
  })
})

describe('pushing a manifest', () => {
  test.each<[string, string, number, string | undefined]>([
    ['no JSON', '{', 400, 'MANIFEST_INVALID'],
    ['schema 1', '{"schemaVersion":1,"fsLayers":[],"name":"a"}', 400, 'MANIFEST_INVALID'],
    ['an index under the type of a manifest', '{"schemaVersion":2,"manifests":[]}', 400, 'MANIFEST_INVALID'],
    ['another type inside', `{"schemaVersion":2,"mediaType":"${MEDIA.dockerManifest}"}`, 400, 'MANIFEST_INVALID'],
  ])('refuses %s', async (_name, body, status, code) => {
    const server = await startRegistry()
    expect(await send(server, 'PUT', '/v2/a/manifests/1', { headers: OCI, body })).toMatchObject({ status, code })
  })

  test('refuses schema 1 by its type', async () => {
    const server = await startRegistry()
    const headers = { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }
    const answer = await send(server, 'PUT', '/v2/a/manifests/1', { headers, body: '{"schemaVersion":2}' })
    expect(answer).toMatchObject({ status: 400, code: 'MANIFEST_INVALID' })
  })

  test('refuses one whose blobs are not in the repository, though they are in another', async () => {
    const server = await startRegistry()
    const digest = await putBlob(server, 'other', '{}')
    const body = manifestOf({ mediaType: MEDIA.ociConfig, digest, size: 2 })
    const answer = await send(server, 'PUT', '/v2/a/manifests/1', { headers: OCI, body })
    expect(answer).toMatchObject({ status: 400, code: 'MANIFEST_BLOB_UNKNOWN' })
  })

  test('takes 4 MiB and not a byte more', async () => {
    const server = await startRegistry()
    const digest = await putBlob(server, 'a', '{}')
    const bytesOf = (length: number): Buffer => {
      const bare = manifestOf({ mediaType: MEDIA.ociEmpty, digest, size: 2 }, { annotations: { x: '' } }).length
      return manifestOf(
        { mediaType: MEDIA.ociEmpty, digest, size: 2 },
        { annotations: { x: 'x'.repeat(length - bare) } },
      )
    }
    const push = (length: number): Promise<Answer> =>
      send(server, 'PUT', '/v2/a/manifests/1', { headers: OCI, body: bytesOf(length) })
    expect((await push(4_194_304)).status).toBe(201)
    expect(await push(4_194_305)).toMatchObject({ status: 413, code: 'SIZE_INVALID' })
  })

  test('a body without end is stopped at the limit', async () => {
    const server = await startRegistry()
    const headers = { ...OCI, 'transfer-encoding': 'chunked' }
    const answer = await send(server, 'PUT', '/v2/a/manifests/1', { headers, body: Buffer.alloc(5_000_000, 32) })
    expect(answer).toMatchObject({ status: 413, code: 'SIZE_INVALID' })
  })

  test.each(['-x', '.x', 'a%20b', 'x'.repeat(129)])('refuses the tag %s', async (tag) => {
    const server = await startRegistry()
    const { bytes } = await putImage(server, 'a', '1')
    const answer = await send(server, 'PUT', `/v2/a/manifests/${tag}`, { headers: OCI, body: bytes })
    expect(answer).toMatchObject({ status: 400, code: 'TAG_INVALID' })
  })

  test('more tags than one push may give change nothing', async () => {
    const server = await startRegistry()
    const { bytes, digest } = await putImage(server, 'a', 'first')
    const tags = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join('&')
    const answer = await send(server, 'PUT', `/v2/a/manifests/${digest}?${tags}`, { headers: OCI, body: bytes })
    expect(answer).toMatchObject({ status: 414, code: 'TAG_INVALID' })
    const list = await send(server, 'GET', '/v2/a/tags/list')
    expect(JSON.parse(list.body.toString())).toEqual({ name: 'a', tags: ['first'] })
  })

  test('If-Match lets one of two writers win', async () => {
    const server = await startRegistry()
    const first = await putImage(server, 'a', '1', 'first')
    const second = await putImage(server, 'a', '2', 'second')
    const push = (headers: object): Promise<Answer> =>
      send(server, 'PUT', '/v2/a/manifests/1', { headers: { ...OCI, ...headers }, body: second.bytes })
    expect((await push({ 'if-match': `"${second.digest}"` })).status).toBe(412)
    expect((await push({ 'if-none-match': '*' })).status).toBe(412)
    const answers = await Promise.all([1, 2].map(() => push({ 'if-match': `"${first.digest}"` })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412])
    const fresh = await send(server, 'PUT', '/v2/a/manifests/3', {
      headers: { ...OCI, 'if-none-match': '*' },
      body: first.bytes,
    })
    expect(fresh.status).toBe(201)
  })

  test('the type may have parameters, and may be left to the document', async () => {
    const server = await startRegistry()
    const { bytes, digest } = await putImage(server, 'a', '1')
    const headers = { 'content-type': `${MEDIA.ociManifest}; charset=utf-8` }
    expect((await send(server, 'PUT', '/v2/a/manifests/2', { headers, body: bytes })).status).toBe(201)
    expect((await send(server, 'PUT', '/v2/a/manifests/3', { body: bytes })).status).toBe(201)
    const answer = await send(server, 'HEAD', '/v2/a/manifests/3')
    expect(answer.headers).toMatchObject({ 'content-type': MEDIA.ociManifest, 'docker-content-digest': digest })
  })
})

describe('deleting', () => {
  test('a tag leaves the manifest, a manifest takes its tags along', async () => {
    const server = await startRegistry()
    const { digest, bytes } = await putImage(server, 'a', '1')
    await send(server, 'PUT', '/v2/a/manifests/2', { headers: OCI, body: bytes })
    expect((await send(server, 'DELETE', '/v2/a/manifests/1')).status).toBe(202)
    expect((await send(server, 'GET', `/v2/a/manifests/${digest}`)).status).toBe(200)
    expect((await send(server, 'DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202)
    expect((await send(server, 'GET', '/v2/a/manifests/2')).status).toBe(404)
    expect(await send(server, 'DELETE', `/v2/a/manifests/${digest}`)).toMatchObject({
      status: 404,
      code: 'MANIFEST_UNKNOWN',
    })
    expect((await send(server, 'GET', '/v2/a/tags/list')).body.toString()).toBe('{"name":"a","tags":[]}')
  })

  test('is refused where it is switched off, tags included', async () => {
    const server = await startRegistry({ config: { delete: false } })
    const { digest, config } = await putImage(server, 'a', '1')
    for (const at of [`manifests/1`, `manifests/${digest}`, `blobs/${config}`]) {
      expect(await send(server, 'DELETE', `/v2/a/${at}`)).toMatchObject({ status: 405, code: 'UNSUPPORTED' })
    }
    expect((await send(server, 'GET', '/v2/a/manifests/1')).status).toBe(200)
  })

  test('a blob that one repository deletes is gone there at once, and stays in the other', async () => {
    const server = await startRegistry()
    const digest = await putBlob(server, 'a', 'shared')
    expect((await send(server, 'POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(201)
    const read = async (repository: string): Promise<number> =>
      (await send(server, 'GET', `/v2/${repository}/blobs/${digest}`)).status
    expect([await read('a'), await read('b')]).toEqual([200, 200])
    expect((await send(server, 'DELETE', `/v2/a/blobs/${digest}`)).status).toBe(202)
    expect([await read('a'), await read('b')]).toEqual([404, 200])
    expect(await send(server, 'DELETE', `/v2/a/blobs/${digest}`)).toMatchObject({ status: 404, code: 'BLOB_UNKNOWN' })
  })
})

test('a manifest listed under the fallback tag of an earlier registry is a referrer', async () => {
  const server = await startRegistry()
  const subject = await putImage(server, 'a', 'subject')
  const listed = await putImage(server, 'a', 'listed', 'x')
  const entry = {
    mediaType: MEDIA.ociManifest,
    digest: listed.digest,
    size: listed.bytes.length,
    artifactType: 'text/x',
  }
  const gone = { ...entry, digest: digestOf('gone') }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: [entry, gone] })
  const tag = subject.digest.replace(':', '-')
  await send(server, 'PUT', `/v2/a/manifests/${tag}`, { headers: { 'content-type': MEDIA.ociIndex }, body })
  const list = async (query = ''): Promise<unknown> => {
    const answer = await send(server, 'GET', `/v2/a/referrers/${subject.digest}${query}`)
    return (JSON.parse(answer.body.toString()) as { manifests: unknown }).manifests
  }
  expect(await list()).toEqual([entry])
  expect(await list('?artifactType=text/x')).toEqual([entry])
  expect(await list('?artifactType=text/y')).toEqual([])
})

test('referrers come in pages', async () => {
  const server = await startRegistry()
  const config = await putBlob(server, 'a', '{}')
  const subject = { mediaType: MEDIA.ociManifest, digest: digestOf('subject'), size: 7 }
  const pushed: string[] = []
  for (let i = 0; i < 5; i++) {
    const body = manifestOf(
      { mediaType: MEDIA.ociEmpty, digest: config, size: 2 },
      { subject, annotations: { i: `${i}` } },
    )
    const answer = await send(server, 'PUT', `/v2/a/manifests/${digestOf(body)}`, { headers: OCI, body })
    expect(answer.headers['oci-subject']).toBe(subject.digest)
    pushed.push(digestOf(body))
  }
  const found: string[] = []
  for (let at: string | undefined = `/v2/a/referrers/${subject.digest}?n=2`; at !== undefined; ) {
    const answer: Answer = await send(server, 'GET', at)
    const { manifests } = JSON.parse(answer.body.toString()) as { manifests: { digest: string }[] }
    expect(manifests.length).toBeLessThanOrEqual(2)
    found.push(...manifests.map((entry) => entry.digest))
    at = /^<([^>]+)>; rel="next"$/.exec((answer.headers['link'] as string | undefined) ?? '')?.[1]
  }
  expect(found).toEqual(pushed.sort())
})
