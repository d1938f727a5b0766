import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf, type Job, mapLimit, messageOf, SlipwayError } from '../../../src/core/index.ts'
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

/** Pulls and pushes in turn, each into a place of its own, and looks at what is there afterwards. */
export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const images = campaign.sizes.map((size, seed) => makeServedImage(size, seed))
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-chaos-'))
  const source = openStore(root)
  try {
    for (const [at, image] of images.entries()) await seed(campaign.registry, `source/${at}`, image, source)
    const all = Array.from({ length: campaign.transfers }, (_, at) => at)
    const results = await mapLimit(all, campaign.atOnce, async (at) => {
      const number = at % images.length
      const one = { ...campaign, seed: campaign.seed * 100_003 + at }
      const given = { image: images[number]!, name: `source/${number}` }
      const result = at % 2 === 0 ? await pullThrough(one, given) : await pushThrough(one, given, source)
      if (result.error || result.damage.length > 0) campaign.say?.(describe(result))
      return result
    })
    return summarize(results)
  } finally {
    source[Symbol.dispose]()
    for (const folder of [root, source.layout.runtime]) rmSync(folder, { recursive: true, force: true })
  }
}

interface Given {
  readonly image: ServedImage
  /** Its repository in the registry, and its name in the store that is pushed from. */
  readonly name: string
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

async function pullThrough({ registry, seed, mostFaults }: Campaign, { image, name }: Given): Promise<TransferResult> {
  await using proxy = await openChaosProxy({ registry, seed, mostFaults })
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-chaos-pull-'))
  const store = openStore(root)
  try {
    await using from = repositoryAt(proxy.host, name, 'pull')
    using lease = store.lease()
    const to = openRepository(store, lease)
    const error = await failureOf(copyImage(from, to, { ref: 'latest', as: 'localhost/pulled:latest' }, quietly()))
    const damage = error === undefined ? pulledDamage(store, image) : storeDamage(store)
    return resultOf('pull', { seed, error, damage, faults: proxy.faults, moved: proxy.fetched, size: sizeOf(image) })
  } finally {
    store[Symbol.dispose]()
    for (const folder of [root, store.layout.runtime]) rmSync(folder, { recursive: true, force: true })
  }
}

async function pushThrough(one: Campaign, { image, name }: Given, source: Store): Promise<TransferResult> {
  const { registry, seed, mostFaults } = one
  await using proxy = await openChaosProxy({ registry, seed, mostFaults })
  const target = `pushed/${seed}`
  await using to = repositoryAt(proxy.host, target, 'push')
  using lease = source.lease()
  const from = openRepository(source, lease)
  const options = { ref: `localhost/${name}:latest`, as: 'latest' }
  const error = await failureOf(copyImage(from, to, options, quietly()))
  const damage = error === undefined ? await pushedDamage(registry, target, image) : []
  return resultOf('push', { seed, error, damage, faults: proxy.faults, moved: proxy.uploaded, size: sizeOf(image) })
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
  const found = store.images.find('localhost/pulled:latest')
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

/** Puts an image into the registry by hand, and from there into the store, undisturbed. */
async function seed(registry: number, name: string, image: ServedImage, store: Store): Promise<void> {
  const host = `127.0.0.1:${registry}`
  const base = `http://${host}/v2/${name}`
  for (const bytes of [image.config, image.layer]) {
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
    const place = new URL(started.headers.get('location') ?? '', base)
    place.searchParams.set('digest', digestOf(bytes))
    await expectCreated(fetch(place, { method: 'PUT', body: bytes }))
  }
  const headers = { 'Content-Type': String(image.manifest['mediaType']) }
  await expectCreated(fetch(`${base}/manifests/latest`, { method: 'PUT', body: manifestOf(image), headers }))
  await using from = repositoryAt(host, name, 'pull')
  using lease = store.lease()
  await copyImage(from, openRepository(store, lease), { ref: 'latest', as: `localhost/${name}:latest` })
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
