import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesOf, digestOf, type Job, mapLimit, messageOf, SlipwayError } from '../../../src/core/index.ts'
import type { Descriptor, ImageTarget } from '../../../src/oci/index.ts'
import { openRegistryRepository, type RegistryRepository } from '../../../src/registry/index.ts'
import { openRepository, openStore, type Store } from '../../../src/store/index.ts'
import { copyImage } from '../../../src/transfer/index.ts'
import { checkStore } from '../../reliability/check.ts'
import { openChaosProxy } from './chaos-proxy.ts'
import { makeServedImage, type ServedImage } from './image.ts'
import { settingsFor } from './pull.ts'

/** A campaign of transfers through a proxy that disturbs them. */
export interface Campaign {
  /** Port of a registry on loopback that takes anything. */
  readonly registry: number
  readonly transfers: number
  readonly seed: number
  readonly mostFaults: number
  readonly atOnce: number
  /** Bytes of the layers of the images that are transferred. */
  readonly sizes: readonly number[]
  say?(line: string): void
}

/** What one transfer came to. */
export interface TransferResult {
  readonly direction: 'pull' | 'push'
  readonly seed: number
  readonly error?: string
  /** What is not as it was sent. */
  readonly damage: readonly string[]
  readonly faults: readonly string[]
  /** Bytes that went over the line, to those that had to. */
  readonly bytes: { readonly moved: number; readonly size: number }
}

/** What all of them came to. */
export interface CampaignResult {
  readonly transfers: number
  readonly faults: number
  readonly failed: readonly TransferResult[]
  readonly damaged: readonly TransferResult[]
  /** Bytes of blobs that were read, to their size. */
  readonly fetched: number
  /** Bytes of blobs that were sent, to their size. */
  readonly uploaded: number
}

/** Pauses are this much shorter than they would be, and a silent server is given up sooner. */
const HASTE = 50
const SILENCE = 1500
const LIMIT = 120_000

/** Pulls and pushes in turn, each with a store of its own, and looks at what is there afterwards. */
export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const images = campaign.sizes.map((size, seed) => makeServedImage(size, seed))
  for (const [at, image] of images.entries()) await fillRegistry(campaign.registry, `source/${at}`, image)
  const all = Array.from({ length: campaign.transfers }, (_, at) => at)
  const results = await mapLimit(all, campaign.atOnce, async (at) => {
    const number = (at >> 1) % images.length
    const one = { ...campaign, seed: campaign.seed * 100_003 + at }
    const result =
      at % 2 === 0
        ? await pullThrough(one, images[number]!, `source/${number}`)
        : // new content each time, since registries know what they have
          await pushThrough(one, makeServedImage(campaign.sizes[number]!, one.seed))
    if (result.error || result.damage.length > 0) campaign.say?.(describe(result))
    return result
  })
  return summarize(results)
}

/** Does something with a store that is gone afterwards. */
async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-chaos-'))
  const store = openStore(root)
  try {
    return await work(store)
  } finally {
    store[Symbol.dispose]()
    for (const folder of [root, store.layout.runtime]) rmSync(folder, { recursive: true, force: true })
  }
}

const repositoryAt = (host: string, name: string, access: 'pull' | 'push'): RegistryRepository =>
  openRegistryRepository(
    { domain: host, path: name },
    {
      settings: settingsFor(host),
      access,
      patience: {
        sleep: (milliseconds, { signal }) => sleep(milliseconds / HASTE, undefined, signal ? { signal } : {}),
        silence: SILENCE,
      },
    },
  )

const quietly = (): Job => ({ progress: () => {}, signal: AbortSignal.timeout(LIMIT) })

const NAME = 'localhost/chaos:latest'

async function pullThrough(one: Campaign, image: ServedImage, name: string): Promise<TransferResult> {
  const { registry, seed, mostFaults } = one
  await using proxy = await openChaosProxy({ registry, seed, mostFaults })
  return await withStore(async (store) => {
    await using from = repositoryAt(proxy.host, name, 'pull')
    using lease = store.lease()
    const to = openRepository(store, lease)
    const error = await failureOf(copyImage(from, to, { ref: 'latest', as: NAME }, quietly()))
    const damage = error === undefined ? pulledDamage(store, image) : storeDamage(store)
    return resultOf('pull', { seed, error, damage, faults: proxy.faults, moved: proxy.fetched, size: sizeOf(image) })
  })
}

async function pushThrough(one: Campaign, image: ServedImage): Promise<TransferResult> {
  const { registry, seed, mostFaults } = one
  await using proxy = await openChaosProxy({ registry, seed, mostFaults })
  return await withStore(async (store) => {
    using lease = store.lease()
    const from = openRepository(store, lease)
    await fillStore(from, image)
    const target = `pushed/${seed}`
    await using to = repositoryAt(proxy.host, target, 'push')
    const error = await failureOf(copyImage(from, to, { ref: NAME, as: 'latest' }, quietly()))
    const damage = error === undefined ? await pushedDamage(registry, target, image) : []
    return resultOf('push', { seed, error, damage, faults: proxy.faults, moved: proxy.uploaded, size: sizeOf(image) })
  })
}

function resultOf(
  direction: 'pull' | 'push',
  of: { seed: number; error: string | undefined; damage: string[]; faults: string[]; moved: number; size: number },
): TransferResult {
  const { seed, error, damage, faults, moved, size } = of
  return { direction, seed, damage, faults, bytes: { moved, size }, ...(error === undefined ? {} : { error }) }
}

async function failureOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return error instanceof SlipwayError ? `${error.code}: ${error.message}` : `CRASHED: ${messageOf(error)}`
  }
}

function storeDamage({ layout }: Store): string[] {
  const { corrupt, broken, database } = checkStore(layout.root)
  return [...corrupt, ...broken, ...database]
}

/** What is wrong with a store that should hold just this image. */
function pulledDamage(store: Store, image: ServedImage): string[] {
  const found = store.images.find(NAME)
  const isIt = found?.image.descriptor.digest === digestOf(manifestOf(image))
  return [...(isIt ? [] : ['the image in the store is not the one of the registry']), ...storeDamage(store)]
}

/** What is wrong with a repository that should hold just this image, asked without the proxy. */
async function pushedDamage(registry: number, name: string, image: ServedImage): Promise<string[]> {
  const base = `http://127.0.0.1:${registry}/v2/${name}`
  const accept = { Accept: String(image.manifest['mediaType']) }
  const wanted: [string, Buffer][] = [
    [`${base}/manifests/latest`, manifestOf(image)],
    ...[image.config, image.layer].map((bytes): [string, Buffer] => [`${base}/blobs/${digestOf(bytes)}`, bytes]),
  ]
  const damage: string[] = []
  for (const [url, bytes] of wanted) {
    const answer = await fetch(url, { headers: accept })
    const got = Buffer.from(await answer.arrayBuffer())
    if (!answer.ok) damage.push(`${url}: ${answer.status}`)
    else if (!got.equals(bytes)) damage.push(`${url}: other bytes`)
  }
  return damage
}

const manifestOf = ({ manifest }: ServedImage): Buffer => Buffer.from(JSON.stringify(manifest))
const sizeOf = ({ config, layer }: ServedImage): number => config.length + layer.length

async function fillStore(to: ImageTarget, { config, layer, layerType, manifest }: ServedImage): Promise<void> {
  const { mediaType } = manifest
  const write = async (type: string, bytes: Buffer): Promise<Descriptor> => {
    const descriptor = { mediaType: type, digest: digestOf(bytes), size: bytes.length }
    await to.write(descriptor, bytesOf(bytes))
    return descriptor
  }
  await write(layerType, layer)
  await write(String(manifest.config['mediaType']), config)
  await to.tag(NAME, await write(String(mediaType), Buffer.from(JSON.stringify(manifest))))
}

/** Puts an image into the registry by hand, undisturbed. */
async function fillRegistry(registry: number, name: string, image: ServedImage): Promise<void> {
  const base = `http://127.0.0.1:${registry}/v2/${name}`
  for (const bytes of [image.config, image.layer]) {
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
    const place = new URL(started.headers.get('location') ?? '', base)
    place.searchParams.set('digest', digestOf(bytes))
    await expectCreated(fetch(place, { method: 'PUT', body: bytes }))
  }
  const headers = { 'Content-Type': String(image.manifest['mediaType']) }
  await expectCreated(fetch(`${base}/manifests/latest`, { method: 'PUT', body: manifestOf(image), headers }))
}

async function expectCreated(asked: Promise<Response>): Promise<void> {
  const { status, url } = await asked
  if (status !== 201) throw new Error(`${url}: ${status}`)
}

function summarize(results: readonly TransferResult[]): CampaignResult {
  const ratio = (direction: TransferResult['direction']): number => {
    const done = results.filter((each) => each.direction === direction && each.error === undefined)
    const sum = (of: (each: TransferResult) => number): number => done.reduce((total, each) => total + of(each), 0)
    return (
      sum(({ bytes }) => bytes.moved) /
      Math.max(
        1,
        sum(({ bytes }) => bytes.size),
      )
    )
  }
  return {
    transfers: results.length,
    faults: results.reduce((sum, { faults }) => sum + faults.length, 0),
    failed: results.filter(({ error }) => error !== undefined),
    damaged: results.filter(({ damage }) => damage.length > 0),
    fetched: ratio('pull'),
    uploaded: ratio('push'),
  }
}

/** A transfer that went wrong, with all that was done to it. */
export function describe({ direction, seed, error, damage, faults }: TransferResult): string {
  const lines = [`${direction} with seed ${seed}: ${error ?? 'ended'}`]
  return [...lines, ...damage.map((each) => `  ! ${each}`), ...faults.map((each) => `  - ${each}`)].join('\n')
}
