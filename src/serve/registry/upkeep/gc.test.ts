import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Digest, digestOf } from '../../../core/index.ts'
import { MEDIA } from '../../../oci/index.ts'
import { manifestOf, putBlob, putImage, send, startRegistry, temporaryFolder } from '../fixture.suite.ts'
import { folderLayout } from '../folder/layout.ts'
import { upkeepPart } from './upkeep.ts'

const NO_GRACE = { every: 3_600_000, blob_grace: 0, manifest_grace: 0 }

async function start(gc: object = {}) {
  const root = temporaryFolder()
  const server = await startRegistry({ root, parts: [upkeepPart], config: { gc: { ...NO_GRACE, ...gc } } })
  const layout = folderLayout(root)
  const put = async (repository: string, reference: string, body: Buffer, type: string): Promise<Digest> => {
    const path = `/v2/${repository}/manifests/${reference}`
    const answer = await send(server, 'PUT', path, { headers: { 'content-type': type }, body })
    expect(answer.status).toBe(201)
    return digestOf(body)
  }
  const json = async (method: string, path: string) => JSON.parse((await send(server, method, path)).body.toString())
  return {
    server,
    put,
    json,
    gc: () => json('POST', '/api/v1/gc'),
    has: (digest: Digest) => existsSync(layout.blob(digest)),
    status: async (repository: string, reference: string) =>
      (await send(server, 'HEAD', `/v2/${repository}/manifests/${reference}`)).status,
    remove: async (path: string) => (await send(server, 'DELETE', path)).status,
  }
}

const indexOf = (...manifests: { digest: Digest; bytes: Buffer }[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociIndex,
      manifests: manifests.map(({ digest, bytes }) => ({ mediaType: MEDIA.ociManifest, digest, size: bytes.length })),
    }),
  )

test('an untagged image goes with its blobs, a tagged one stays', async () => {
  const { server, gc, has, status, remove } = await start()
  const old = await putImage(server, 'app', 'v1', 'old')
  const kept = await putImage(server, 'app', 'v2', 'kept')
  expect(await remove('/v2/app/manifests/v1')).toBe(202)
  expect(await gc()).toMatchObject({ manifests: 1, links: 1, blobs: 1 })
  expect([has(old.config), has(kept.config)]).toEqual([false, true])
  expect([await status('app', old.digest), await status('app', 'v2')]).toEqual([404, 200])
})

test('a blob that another repository holds stays there', async () => {
  const { server, gc, has, remove, put } = await start()
  const { config, bytes } = await putImage(server, 'one', 'v1', 'x')
  await send(server, 'POST', `/v2/two/blobs/uploads/?mount=${config}&from=one`)
  await put('two', 'v1', bytes, MEDIA.ociManifest)
  await remove('/v2/one/manifests/v1')
  expect(await gc()).toMatchObject({ manifests: 1, links: 1, blobs: 0, bytes: 0 })
  expect(has(config)).toBe(true)
  expect((await send(server, 'GET', `/v2/two/blobs/${config}`)).status).toBe(200)
  expect((await send(server, 'GET', `/v2/one/blobs/${config}`)).status).toBe(404)
})

test('children and referrers follow their parent, and tags of signatures too', async () => {
  const { server, gc, has, status, remove, put } = await start()
  const child = await putImage(server, 'app', 'child', 'c')
  const index = indexOf(child)
  const digest = await put('app', 'all', index, MEDIA.ociIndex)
  const config = await putBlob(server, 'app', '{}')
  const subject = { mediaType: MEDIA.ociIndex, digest, size: index.length }
  const sbom = manifestOf({ mediaType: 'application/vnd.x', digest: config, size: 2 }, { subject })
  await put('app', digestOf(sbom), sbom, MEDIA.ociManifest)
  const signature = await putImage(server, 'app', `${digest.replace(':', '-')}.sig`, 's')
  await remove('/v2/app/manifests/child')
  expect(await gc()).toMatchObject({ manifests: 0 })
  expect(await remove('/v2/app/manifests/all')).toBe(202)
  expect(await gc()).toMatchObject({ manifests: 4, blobs: 3 })
  for (const reference of [digest, child.digest, digestOf(sbom), signature.digest]) {
    expect(await status('app', reference)).toBe(404)
  }
  expect([has(config), has(child.config), has(signature.config)]).toEqual([false, false, false])
})

test('within the grace time nothing goes', async () => {
  const { server, gc, has, remove, json } = await start({ blob_grace: 3_600_000 })
  const { config } = await putImage(server, 'app', 'v1')
  await remove('/v2/app/manifests/v1')
  expect(await gc()).toMatchObject({ manifests: 0, blobs: 0 })
  expect(has(config)).toBe(true)
  expect((await json('GET', '/api/v1/gc')).waiting).toMatchObject({ manifests: 1 })
})

test('what a client has just asked for by digest stays', async () => {
  const { server, gc, status, remove, put } = await start({ blob_grace: 3_600_000 })
  const image = await putImage(server, 'app', 'v1')
  await remove('/v2/app/manifests/v1')
  expect(await status('app', image.digest)).toBe(200)
  await gc()
  await put('app', 'all', indexOf(image), MEDIA.ociIndex)
  expect(await status('app', image.digest)).toBe(200)
})

test('untagged images stay when they are not to be collected, those of a deleted index go', async () => {
  const { server, gc, status, remove, put } = await start({ untagged: false })
  const lone = await putImage(server, 'app', 'lone', 'l')
  const child = await putImage(server, 'app', 'child', 'c')
  const digest = await put('app', 'all', indexOf(child), MEDIA.ociIndex)
  await remove('/v2/app/manifests/lone')
  await remove('/v2/app/manifests/child')
  await remove(`/v2/app/manifests/${digest}`)
  expect(await gc()).toMatchObject({ manifests: 1 })
  expect([await status('app', lone.digest), await status('app', child.digest)]).toEqual([200, 404])
})

test('a preview tells what a delete frees, and changes nothing', async () => {
  const { server, gc, json, status, remove, put } = await start()
  const child = await putImage(server, 'app', 'child', 'c')
  const digest = await put('app', 'all', indexOf(child), MEDIA.ociIndex)
  await remove('/v2/app/manifests/child')
  const preview = await json('GET', `/api/v1/repositories/app/-/manifests/${digest}/delete-preview`)
  expect(preview).toMatchObject({ tags: ['all'], blobs: 1 })
  expect(new Set(preview.manifests)).toEqual(new Set([digest, child.digest]))
  expect(await status('app', 'all')).toBe(200)
  await remove(`/v2/app/manifests/${digest}`)
  expect(await json('GET', '/api/v1/gc/preview')).toMatchObject({ manifests: 1, blobs: 1, bytes: preview.bytes })
  const run = await gc()
  expect(run.bytes).toBe(preview.bytes)
  expect((await json('GET', '/api/v1/gc')).total.bytes).toBe(preview.bytes)
})

test('a tag that moves leaves its image behind', async () => {
  const { server, gc, status } = await start()
  const first = await putImage(server, 'app', 'latest', '1')
  const second = await putImage(server, 'app', 'latest', '2')
  await gc()
  expect([await status('app', first.digest), await status('app', second.digest)]).toEqual([404, 200])
})
