import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Agent, fetch, type Response } from 'undici'
import { bytesOf } from '../../../src/core/index.ts'
import type { ImageTarget } from '../../../src/oci/index.ts'
import { makeSample, type Sample } from '../../../src/oci/repository.suite.ts'
import { makeCertificate, settingsFor } from '../../../src/registry/docker-registry.suite.ts'
import { openRegistryRepository } from '../../../src/registry/index.ts'
import { openFolder, type RegistryConfig, repositoryTarget, serveRegistry } from '../../../src/serve/index.ts'
import { userLines } from '../../../src/serve/registry/access/fixture.suite.ts'
import { openStore } from '../../../src/store/index.ts'

/** How a registry of ours is reached, and by whom. */
export interface Manner {
  readonly about: string
  /** `writer` may do all, `reader` may pull; their passwords are `pw-NAME`. Nobody else may do anything. */
  readonly users: boolean
  readonly tls: boolean
  /** What it serves is a store of images, as with `--store`. */
  readonly store?: boolean
}

/** The ways that clients meet a registry. */
export const MANNERS: readonly Manner[] = [
  { about: 'over HTTP, for anybody', users: false, tls: false },
  { about: 'over HTTP, with users', users: true, tls: false },
  { about: 'over TLS, with users', users: true, tls: true },
  { about: 'out of a store', users: false, tls: false, store: true },
]

/** A registry of ours that runs for a test; `first/app:1.0` is in it. */
export interface OurRegistry extends AsyncDisposable {
  /** `127.0.0.1:40001`. */
  readonly domain: string
  readonly manner: Manner
  /** The certificate to trust; a file that is there and has nothing in it for a registry without TLS. */
  readonly certificate: string
  /** An index of two platforms. */
  readonly sample: Sample
  /** The tags of a repository, asked as `writer`. */
  tags(repository: string): Promise<string[]>
  /** The media type of a manifest, asked as `writer`. */
  mediaType(repository: string, tag: string): Promise<string | null>
}

/**
 * Starts one. With TLS it listens at an address of this machine that is not loopback, since clients trust loopback
 * without a look at its certificate; where there is none, at loopback.
 */
export async function startOurRegistry(manner: Manner): Promise<OurRegistry> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-ours-'))
  const sample = makeSample(manner.about)
  const root = path.join(folder, 'registry')
  const store = manner.store ? openStore(path.join(folder, 'store')) : undefined
  if (!store) await fill(root, sample)
  const address = manner.tls ? outerAddress() : '127.0.0.1'
  const { config, certificate } = configure(folder, manner, address)
  const server = await serveRegistry({
    root,
    config: { listen: `${address}:0`, ...config },
    ...(store ? { store } : {}),
  })
  const domain = new URL(server.url).host
  if (store) {
    await using target = openRegistryRepository(
      { domain, path: 'first/app' },
      { settings: settingsFor(), access: 'push' },
    )
    await fillTarget(target, sample)
  }
  const ask = askAsWriter(server.url, manner, certificate)
  return {
    domain,
    manner,
    certificate,
    sample,
    tags: async (repository) => ((await (await ask.get(`${repository}/tags/list`)).json()) as { tags: string[] }).tags,
    mediaType: async (repository, tag) => (await ask.get(`${repository}/manifests/${tag}`)).headers.get('content-type'),
    async [Symbol.asyncDispose]() {
      await ask.end()
      await server.close()
      store?.[Symbol.dispose]()
      for (const each of [folder, ...(store ? [store.layout.runtime] : [])])
        rmSync(each, { recursive: true, force: true })
    },
  }
}

async function fill(root: string, sample: Sample): Promise<void> {
  await using storage = openFolder(root)
  await fillTarget(repositoryTarget(storage, 'first/app'), sample)
}

async function fillTarget(target: ImageTarget, sample: Sample): Promise<void> {
  for (const { descriptor, bytes } of sample.contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag('1.0', sample.index.descriptor)
}

function configure(
  folder: string,
  { users, tls }: Manner,
  address: string,
): { config: RegistryConfig; certificate: string } {
  const htpasswd = path.join(folder, 'htpasswd')
  writeFileSync(htpasswd, userLines('writer', 'reader'))
  const rule = [
    { repository: ['**'], who: ['writer'], actions: ['*'] },
    { repository: ['**'], who: ['reader'], actions: ['pull'] },
  ]
  const nothing = path.join(folder, 'no-certificate')
  writeFileSync(nothing, '')
  const pair = tls ? makeCertificate(folder, 'ours', address) : undefined
  return {
    config: { ...(users ? { access: { htpasswd, rule } } : {}), ...(pair ? { tls: pair } : {}) },
    certificate: pair?.cert ?? nothing,
  }
}

function outerAddress(): string {
  const all = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

/** The test's own questions. */
function askAsWriter(
  url: string,
  { users, tls }: Manner,
  certificate: string,
): { get(where: string): Promise<Response>; end(): Promise<void> } {
  const dispatcher = new Agent({ connect: tls ? { ca: readFileSync(certificate) } : {} })
  const accept = 'application/vnd.oci.image.index.v1+json, */*'
  const headers = users
    ? { accept, authorization: `Basic ${Buffer.from('writer:pw-writer').toString('base64')}` }
    : { accept }
  return {
    get: (where) => fetch(`${url}/v2/${where}`, { dispatcher, headers }),
    end: () => dispatcher.close(),
  }
}
