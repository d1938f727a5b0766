import { expect, test } from 'vitest'
import { type Digest, digestOf } from '../../../core/index.ts'
import { MEDIA } from '../../../oci/index.ts'
import { manifestOf, send, startRegistry, temporaryFolder } from '../fixture.suite.ts'
import { startVictim } from './serve-for-kill.suite.ts'
import { upkeepPart } from './upkeep.ts'

type Server = { url: string }

const OCI = { 'content-type': MEDIA.ociManifest }

/** What must be there: a tag whose push was acknowledged, and not taken back. */
type Promised = Map<string, { digest: Digest; config: Digest; layer: Digest }>

/** Pushes an image as clients do: looks for each blob, sends what is not there, then the manifest. True when all was taken. */
async function push(
  server: Server,
  at: string,
  salt: number,
): Promise<{ digest: Digest; config: Digest; layer: Digest } | undefined> {
  const [repository, tag] = at.split(':') as [string, string]
  // few different layers, so that pushes share them and collection meets them all the time
  const layerText = `layer ${salt % 3} `.repeat(500)
  const configText = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    author: `${salt % 7}`,
    rootfs: { type: 'layers', diff_ids: [] },
  })
  const digests: Digest[] = []
  for (const text of [layerText, configText]) {
    const digest = digestOf(text)
    digests.push(digest)
    const head = await send(server, 'HEAD', `/v2/${repository}/blobs/${digest}`)
    if (head.status === 200) continue
    const put = await send(server, 'POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: text })
    if (put.status !== 201) return undefined
  }
  const [layer, config] = digests as [Digest, Digest]
  const layers = [{ mediaType: MEDIA.ociLayerGzip, digest: layer, size: layerText.length }]
  const body = manifestOf({ mediaType: MEDIA.ociConfig, digest: config, size: configText.length }, { layers })
  const put = await send(server, 'PUT', `/v2/${repository}/manifests/${tag}`, { headers: OCI, body })
  return put.status === 201 ? { digest: digestOf(body), config, layer } : undefined
}

/** One client: pushes and deletes its own tags in repositories that all share. */
async function live(server: Server, name: string, rounds: number, promised: Promised): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const at = `app${round % 2}:${name}-${round % 3}`
    // while it is changed, nothing is promised about it
    promised.delete(at)
    if (round % 4 === 3) {
      await send(server, 'DELETE', `/v2/${at.replace(':', '/manifests/')}`)
      continue
    }
    const pushed = await push(server, at, round + name.length)
    if (pushed) promised.set(at, pushed)
  }
}

async function expectComplete(server: Server, promised: Promised): Promise<void> {
  for (const [at, { digest, config, layer }] of promised) {
    const [repository, tag] = at.split(':')
    const manifest = await send(server, 'GET', `/v2/${repository}/manifests/${tag}`)
    expect([at, manifest.status, digestOf(manifest.body)]).toEqual([at, 200, digest])
    for (const blob of [config, layer]) {
      const { status, body } = await send(server, 'GET', `/v2/${repository}/blobs/${blob}`)
      expect([at, status, status === 200 && digestOf(body)]).toEqual([at, 200, blob])
    }
  }
}

test('every acknowledged image is complete while others push, delete and collect', async () => {
  const config = { listen: '127.0.0.1:0', gc: { every: 3, blob_grace: 20, manifest_grace: 0 } }
  const server = await startRegistry({ parts: [upkeepPart], config })
  const promised: Promised = new Map()
  await Promise.all(['a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff'].map((name) => live(server, name, 25, promised)))
  await send(server, 'POST', '/api/v1/gc')
  expect(promised.size).toBeGreaterThan(2)
  await expectComplete(server, promised)
  const state = JSON.parse((await send(server, 'GET', '/api/v1/gc')).body.toString())
  expect(state.total.manifests).toBeGreaterThan(0)
}, 60_000)

test('kill -9 during pushes and collection loses nothing that was acknowledged', async () => {
  const root = temporaryFolder()
  const config = { listen: '127.0.0.1:0', gc: { every: 2, blob_grace: 20, manifest_grace: 0 } }
  const promised: Promised = new Map()
  for (let life = 0; life < 5; life++) {
    const victim = await startVictim(root, config)
    await expectComplete(victim, promised)
    const clients = ['a', 'bb', 'ccc', 'dddd'].map((name) => live(victim, name, 1000, promised).catch(() => {}))
    await new Promise((resolve) => setTimeout(resolve, 150 + life * 130))
    await victim.kill()
    await Promise.all(clients)
  }
  expect(promised.size).toBeGreaterThan(2)
  const server = await startRegistry({ root, parts: [upkeepPart], config })
  await expectComplete(server, promised)
  await send(server, 'POST', '/api/v1/gc')
  expect(JSON.parse((await send(server, 'POST', '/api/v1/scrub')).body.toString())).toMatchObject({
    bad: [],
    missing: [],
  })
}, 90_000)
