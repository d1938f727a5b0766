/**
 * Clients push and pull while the registry is killed again and again: whatever it acknowledged must be there afterwards.
 * REGISTRY_CLIENTS and REGISTRY_KILLS make it longer (64 and 20 for a campaign).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'

const CLIENTS = Number(process.env['REGISTRY_CLIENTS'] ?? 8)
const KILLS = Number(process.env['REGISTRY_KILLS'] ?? 3)
const CHUNK = 100_000

const main = path.resolve(import.meta.dirname, '../../src/cli/bin.ts')
const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-registry-kill-'))
let child: ChildProcess | undefined

afterAll(() => {
  child?.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

async function start(): Promise<string> {
  const argv = [
    '--disable-warning=ExperimentalWarning',
    main,
    'registry',
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--root',
    root,
  ]
  child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  return line.replace('Listening at ', '')
}

async function kill(): Promise<void> {
  const ended = once(child!, 'exit')
  child!.kill('SIGKILL')
  await ended
}

/** What the registry said is there. */
interface Acknowledged {
  blobs: Map<string, Buffer>
  manifests: Map<string, Buffer>
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

class Client {
  readonly #repository: string
  readonly #known: Acknowledged
  readonly #url: () => string

  constructor(name: string, known: Acknowledged, url: () => string) {
    this.#repository = name
    this.#known = known
    this.#url = url
  }

  /** Pushes images until told to stop; an error of the connection is a try that begins anew. */
  async work(isOver: () => boolean): Promise<void> {
    for (let n = 0; !isOver(); n++) {
      const config = Buffer.from(JSON.stringify({ n, salt: randomBytes(8).toString('hex') }))
      const layer = randomBytes(3 * CHUNK)
      await this.#until(() => this.#pushChunks(layer))
      await this.#until(() => this.#pushWhole(config))
      await this.#until(() => this.#pushManifest(`t${n}`, config, layer))
    }
  }

  async #until(attempt: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await attempt()
        return
      } catch (error) {
        // fetch says TypeError when the connection breaks; anything else is an answer that is wrong
        if (!(error instanceof TypeError)) throw error
        await sleep(20)
      }
    }
  }

  async #ask(method: string, at: string, body?: Buffer, headers: Record<string, string> = {}): Promise<Response> {
    const init = { method, headers, ...(body ? { body: new Uint8Array(body) } : {}) }
    const response = await fetch(new URL(at, this.#url()), init)
    if (response.status >= 400) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
    await response.arrayBuffer()
    return response
  }

  async #pushWhole(bytes: Buffer): Promise<void> {
    await this.#ask('POST', `/v2/${this.#repository}/blobs/uploads/?digest=${digestOf(bytes)}`, bytes)
    this.#known.blobs.set(`${this.#repository} ${digestOf(bytes)}`, bytes)
  }

  /** Goes on with the same upload after a kill, where the registry says. */
  async #pushChunks(bytes: Buffer): Promise<void> {
    const opened = await this.#ask('POST', `/v2/${this.#repository}/blobs/uploads/`)
    const at = opened.headers.get('location')!
    let acknowledged = 0
    await this.#until(async () => {
      const state = await this.#ask('GET', at)
      const last = Number(state.headers.get('range')!.slice(2))
      let offset = last === 0 ? 0 : last + 1
      if (offset < acknowledged) throw new Error(`${at} went back from ${acknowledged} to ${offset}`)
      for (; offset < bytes.length; offset += CHUNK) {
        const part = bytes.subarray(offset, offset + CHUNK)
        await this.#ask('PATCH', at, part, { 'content-range': `${offset}-${offset + part.length - 1}` })
        acknowledged = offset + part.length
      }
    })
    await this.#ask('PUT', `${at}?digest=${digestOf(bytes)}`)
    this.#known.blobs.set(`${this.#repository} ${digestOf(bytes)}`, bytes)
  }

  async #pushManifest(tag: string, config: Buffer, layer: Buffer): Promise<void> {
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const describe = (bytes: Buffer): object => ({
      mediaType: 'text/plain',
      digest: digestOf(bytes),
      size: bytes.length,
    })
    const body = { schemaVersion: 2, mediaType, config: describe(config), layers: [describe(layer)] }
    const bytes = Buffer.from(JSON.stringify(body))
    await this.#ask('PUT', `/v2/${this.#repository}/manifests/${tag}`, bytes, { 'content-type': mediaType })
    this.#known.manifests.set(`${this.#repository} ${tag}`, bytes)
  }
}

async function read(url: string, kind: string, key: string): Promise<Buffer | number> {
  const [repository, reference] = key.split(' ')
  const response = await fetch(`${url}/v2/${repository}/${kind}/${reference}`)
  const bytes = Buffer.from(await response.arrayBuffer())
  return response.status === 200 ? bytes : response.status
}

test('nothing that was acknowledged is lost', { timeout: 30_000 + KILLS * 20_000 }, async () => {
  const known: Acknowledged = { blobs: new Map(), manifests: new Map() }
  let url = await start()
  let over = false
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(`load/c${i}`, known, () => url))
  const working = Promise.all(clients.map((client) => client.work(() => over)))
  for (let i = 0; i < KILLS; i++) {
    const before = known.manifests.size
    await expect.poll(() => known.manifests.size, { timeout: 20_000 }).toBeGreaterThan(before + CLIENTS)
    await sleep(Math.random() * 200)
    await kill()
    url = await start()
  }
  over = true
  await working

  const lost: string[] = []
  for (const [kind, all] of [
    ['blobs', known.blobs],
    ['manifests', known.manifests],
  ] as const) {
    for (const [key, bytes] of all) {
      const found = await read(url, kind, key)
      if (!(found instanceof Buffer && found.equals(bytes))) lost.push(`${kind} ${key}`)
    }
  }
  expect(lost).toEqual([])
  expect(known.manifests.size).toBeGreaterThan(CLIENTS * KILLS)
  // each kill leaves at most one upload of each client that nobody goes on with; they go with time
  await kill()
  url = await start()
  expect(readdirSync(path.join(root, 'uploads')).length).toBeLessThanOrEqual(CLIENTS * (KILLS + 1))
})
