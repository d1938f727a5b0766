import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Job, SlipwayError } from '../../../src/core/index.ts'
import {
  type Credentials,
  openRegistryRepository,
  type RegistryOptions,
  type RegistrySettings,
} from '../../../src/registry/index.ts'
import { openRepository, openStore, type Store } from '../../../src/store/index.ts'
import { copyImage } from '../../../src/transfer/index.ts'
import { checkStore } from '../../reliability/check.ts'

/** What to pull, and how. */
export interface Pull {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly repository: string
  /** Tag or digest. */
  readonly ref?: string
  readonly credentials?: Credentials
  readonly options?: Omit<RegistryOptions, 'settings'>
  /** Milliseconds until it is canceled: it hangs. */
  readonly limit?: number
}

/** What became of a pull into a store of its own. */
export interface Outcome {
  /** `ok`, the code of an error, `HUNG` or `CRASHED`. */
  readonly result: string
  readonly message: string
  /** What an independent checker finds wrong with the store. */
  readonly damage: readonly string[]
  readonly images: number
  /** Bytes of unfinished blobs that were kept for the next time. */
  readonly partial: number
  readonly warnings: readonly string[]
  /** Pauses that were made before trying again, in milliseconds. They were not waited for. */
  readonly pauses: readonly number[]
  readonly seconds: number
}

const LIMIT = 25_000

/** Settings for one registry on loopback, without TLS. */
export function settingsFor(host: string, credentials?: Credentials): RegistrySettings {
  return {
    endpoints: async ({ path: repository }) => [
      {
        url: `http://${host}/v2`,
        repository,
        allowsPlainHttp: true,
        can: { pull: true, resolve: true, push: true },
        isMirror: false,
        tls: { ca: [], verify: true },
        headers: {},
        registry: host,
      },
    ],
    credentials: async () => credentials,
  }
}

/** Pulls an image into a fresh store, which is checked and removed. Never fails itself. */
export async function pull(what: Pull): Promise<Outcome> {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-hostile-pull-'))
  const store = openStore(root)
  try {
    return await pullInto(store, what)
  } finally {
    store[Symbol.dispose]()
    for (const folder of [root, store.layout.runtime]) rmSync(folder, { recursive: true, force: true })
  }
}

/** Pulls an image into this store, and says what became of it and of the store. */
export async function pullInto(store: Store, what: Pull): Promise<Outcome> {
  const { host, repository, ref = 'latest', limit = LIMIT } = what
  const warnings: string[] = []
  const pauses: number[] = []
  const signal = AbortSignal.timeout(limit)
  const job: Job = { progress: (event) => void (event.type === 'warning' && warnings.push(event.message)), signal }
  const started = performance.now()
  const [result, message] = await transfer(store, what, { job, pauses })
    .then(() => ['ok', ''] as const)
    .catch((error: unknown) => nameOf(error, signal))
  const { corrupt, broken, database } = checkStore(store.layout.root)
  return {
    result,
    message,
    damage: [...corrupt, ...broken, ...database],
    images: store.images.find(`${host}/${repository}:${ref.replaceAll(':', '-')}`) ? 1 : 0,
    partial: store.transfers.list().reduce((sum, { bytes }) => sum + bytes, 0),
    warnings,
    pauses,
    seconds: (performance.now() - started) / 1000,
  }
}

function nameOf(error: unknown, signal: AbortSignal): readonly [string, string] {
  if (signal.aborted) return ['HUNG', String(error)]
  if (error instanceof SlipwayError && error.code !== 'INTERNAL') return [error.code, error.message]
  return ['CRASHED', error instanceof Error ? (error.stack ?? error.message) : String(error)]
}

async function transfer(store: Store, what: Pull, { job, pauses }: { job: Job; pauses: number[] }): Promise<void> {
  const { host, repository, ref = 'latest', credentials, options } = what
  await using from = openRegistryRepository(
    { domain: host, path: repository },
    {
      settings: settingsFor(host, credentials),
      knows: (digest) => store.images.find(digest) !== undefined,
      patience: { sleep: async (milliseconds) => void pauses.push(milliseconds), silence: 5000 },
      ...options,
    },
  )
  using lease = store.lease()
  const as = `${host}/${repository}:${ref.replaceAll(':', '-')}`
  await copyImage(from, openRepository(store, lease), { ref, as }, job)
}
