import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bytesOf, collectBytes } from '../../../core/index.ts'
import { findProgram } from '../../../host/index.ts'
import type { ImageSource, ImageTarget } from '../../../oci/index.ts'
import { makeSample, type Sample } from '../../../oci/repository.suite.ts'
import {
  hasDockerRegistry,
  makeCertificate,
  settingsFor,
  startDockerRegistry,
} from '../../../registry/docker-registry.suite.ts'
import { openRegistryRepository } from '../../../registry/index.ts'
import { send, startRegistry, temporaryFolder } from '../fixture.suite.ts'
import { startCache } from './played.suite.ts'

const run = promisify(execFile)

function hostOf({ url }: { url: string }): string {
  return url.replace(/^https?:\/\//, '')
}

function open(domain: string, name: string): ImageTarget {
  return openRegistryRepository({ domain, path: name }, { settings: settingsFor() })
}

async function listOf<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

async function push(domain: string, sample: Sample): Promise<void> {
  const target = open(domain, 'first/app')
  for (const { descriptor, bytes } of sample.contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag('1.0', sample.index.descriptor)
}

/** Reads everything, as a client does that pulls all platforms and looks for signatures. */
async function checkPull(source: ImageSource, sample: Sample): Promise<void> {
  expect((await source.resolve('1.0')).digest).toBe(sample.index.descriptor.digest)
  for (const { descriptor, bytes } of sample.contents) {
    expect(await collectBytes(source.read(descriptor), 1 << 20, () => new Error('long'))).toEqual(bytes)
  }
  const referrers = await listOf(source.referrers(sample.manifest.descriptor))
  expect(referrers.map(({ digest }) => digest)).toEqual([sample.signature.descriptor.digest])
}

describe('our own registry as the upstream', () => {
  test('all of an image comes through two caches, and from the last when the others are gone', async () => {
    const sample = makeSample('chain')
    const upstream = await startRegistry()
    await push(hostOf(upstream), sample)
    const near = await startCache({ domain: hostOf(upstream) })
    const far = await startCache({ domain: hostOf(near) }, { fresh: 0 })
    await checkPull(open(hostOf(far), 'up/up/first/app'), sample)
    await near.close()
    await upstream.close()
    const source = open(hostOf(far), 'up/up/first/app')
    await checkPull(source, sample)
    expect(await listOf(source.tags())).toEqual(['1.0'])
  })

  test('its certificate is verified by the authority that the configuration names', async () => {
    const { key, cert } = makeCertificate(temporaryFolder())
    const upstream = await startRegistry({ config: { tls: { key, cert } } })
    const up = { domain: hostOf(upstream) }
    const at = '/v2/up/first/app/manifests/1.0'
    expect((await send(await startCache(up), 'GET', at)).status).toBe(503)
    expect((await send(await startCache(up, { ca: cert }), 'GET', at)).status).toBe(404)
    expect((await send(await startCache(up, { verify: false }), 'GET', at)).status).toBe(404)
  })
})

describe.skipIf(!hasDockerRegistry)("Debian's docker-registry as the upstream", () => {
  test('all of an image comes through, and stays when the upstream stops', async () => {
    const sample = makeSample('debian')
    const upstream = await startDockerRegistry()
    await push(upstream.domain, sample)
    const cache = await startCache(upstream, { fresh: 0 })
    const source = open(hostOf(cache), 'up/first/app')
    await checkPull(source, sample)
    expect(await listOf(source.tags())).toEqual(['1.0'])
    await upstream[Symbol.asyncDispose]()
    await checkPull(open(hostOf(cache), 'up/first/app'), sample)
  })
})

describe.skipIf(findProgram('skopeo') === undefined)('skopeo', () => {
  test('copies by prefix, and may not push', async () => {
    const sample = makeSample('skopeo')
    const upstream = await startRegistry()
    await push(hostOf(upstream), sample)
    const host = hostOf(await startCache({ domain: hostOf(upstream) }))
    const folder = temporaryFolder()
    const source = ['--src-tls-verify=false', `docker://${host}/up/first/app:1.0`]
    await run('skopeo', ['copy', '-q', '--all', ...source, `oci:${path.join(folder, 'layout')}:app`])
    const raw = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${host}/up/first/app:1.0`])
    expect(raw.stdout).toBe(sample.index.bytes.toString())
    const push2 = run('skopeo', ['copy', '-q', '--dest-tls-verify=false', ...source, `docker://${host}/up/first/app:2`])
    await expect(push2).rejects.toThrow(/is a cache of/)
  })
})
