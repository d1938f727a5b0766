/**
 * Clients push, pull, mount and delete while a registry collects and retains with graces of seconds, and is killed again
 * and again: whatever it acknowledged must be there. By hand:
 * `node test/reliability/registry.ts [--clients 64] [--kills 20] [--seed 1] [--folder /tmp]`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { randomNumbers } from './kill.ts'
import { checkRegistry, type RegistryFindings } from './registry-check.ts'
import { findLost, LoadClient, type World } from './registry-client.ts'

/** A campaign. */
export interface Load {
  clients: number
  kills: number
  seed: number
  folder: string
  /** What nothing needs is left alone for so many seconds. */
  grace: number
}

/** What became of it. */
export interface LoadReport {
  counts: World['counts']
  /** Tags whose images had to be complete at the end. */
  promised: number
  problems: string[]
  /** What collection says that it has taken. */
  taken: { manifests: number; blobs: number; bytes: number }
  /** What an independent checker says of the folder when all is quiet. */
  findings: RegistryFindings
}

const PROGRAM = path.resolve(import.meta.dirname, '../../src/cli/bin.ts')

const configOf = (grace: number): string => `
retention_every = "1s"
[gc]
every = "1s"
blob_grace = "${grace}s"
manifest_grace = "${Math.ceil(grace / 2)}s"
[scrub]
every = "1s"
[[retention]]
repositories = ["load/**"]
[[retention.keep]]
tags = ["roll-*"]
last_pushed = 5
[[retention.keep]]
tags = ["drop-*"]
last_pushed = 0
`

class Server {
  readonly #root: string
  #child: ChildProcess | undefined
  url = 'http://127.0.0.1:1'

  constructor(root: string) {
    this.#root = root
  }

  async start(): Promise<void> {
    const options = ['--config', `${this.#root}.toml`, '--root', this.#root, '--listen', '127.0.0.1:0']
    const argv = ['--disable-warning=ExperimentalWarning', PROGRAM, 'registry', 'serve', ...options]
    this.#child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(this.#child.stdout!), 'line')) as [string]
    this.url = line.replace('Listening at ', '')
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    await ended
  }
}

export async function runLoad(load: Load, report: (line: string) => void = () => {}): Promise<LoadReport> {
  const folder = mkdtempSync(path.join(load.folder, 'slipway-registry-load-'))
  const root = path.join(folder, 'registry')
  writeFileSync(`${root}.toml`, configOf(load.grace))
  const server = new Server(root)
  try {
    const world = await work(load, server, report)
    const lost: string[] = []
    for (const [key, promised] of world.promised) lost.push(...(await findLost((at) => get(server, at), key, promised)))
    report(`${world.promised.size} promised, ${lost.length} lost`)
    const taken = await settle(server, load.grace)
    for (const [key, promised] of world.promised) lost.push(...(await findLost((at) => get(server, at), key, promised)))
    await server.end('SIGTERM')
    await expireUploads(root, server)
    const findings = checkRegistry(root)
    return {
      counts: world.counts,
      promised: world.promised.size,
      problems: [...world.problems, ...lost],
      taken,
      findings,
    }
  } finally {
    await server.end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

async function work(load: Load, server: Server, report: (line: string) => void): Promise<World> {
  let over = false
  const world: World = {
    url: () => server.url,
    isOver: () => over,
    grace: load.grace * 1000,
    promised: new Map(),
    problems: [],
    counts: { pushes: 0, pulls: 0, mounts: 0, deletes: 0, resumed: 0, late: 0 },
  }
  await server.start()
  const clients = Array.from({ length: load.clients }, (_, at) => new LoadClient(world, at, load.seed))
  const working = Promise.all(clients.map((client) => client.work()))
  // an answer that is wrong ends a client; that is heard of below
  working.catch(() => {})
  const random = randomNumbers(load.seed)
  for (let kill = 0; kill < load.kills; kill++) {
    const before = world.counts.pushes
    for (let waited = 0; world.counts.pushes < before + load.clients / 2 && waited < 20_000; waited += 50)
      await sleep(50)
    await sleep(random() * 2500)
    await server.end('SIGKILL')
    report(`kill ${kill + 1}: ${JSON.stringify(world.counts)} ${world.problems.length} problems`)
    await server.start()
  }
  over = true
  await working
  return world
}

/** Uploads that nobody goes on with are taken by the first collection after a day: here the day is over. */
async function expireUploads(root: string, server: Server): Promise<void> {
  const db = new DatabaseSync(path.join(root, 'registry.db'))
  db.exec('UPDATE uploads SET updated_at = 0')
  db.close()
  await server.start()
  await ask(server, 'POST', '/api/v1/gc')
  await server.end('SIGTERM')
}

/** Waits until collection finds nothing more. */
async function settle(server: Server, grace: number): Promise<LoadReport['taken']> {
  for (let round = 0; ; round++) {
    await sleep(grace * 1000)
    const run = JSON.parse((await ask(server, 'POST', '/api/v1/gc')).body.toString()) as Record<string, number>
    const state = JSON.parse((await get(server, '/api/v1/gc')).body.toString()) as {
      waiting: { manifests: number; blobs: number }
      total: LoadReport['taken']
    }
    const isQuiet =
      state.waiting.manifests + state.waiting.blobs + run['manifests']! + run['blobs']! + run['links']! === 0
    if (!isQuiet && round < 20) continue
    await ask(server, 'POST', '/api/v1/scrub')
    return state.total
  }
}

const get = (server: Server, at: string): Promise<{ status: number; body: Buffer }> => ask(server, 'GET', at)

async function ask(server: Server, method: string, at: string): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(new URL(at, server.url), { method })
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      clients: { type: 'string', default: '64' },
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      grace: { type: 'string', default: '8' },
      folder: { type: 'string', default: os.tmpdir() },
    },
  })
  const { clients, kills, seed, grace, folder } = values
  const load = { clients: Number(clients), kills: Number(kills), seed: Number(seed), grace: Number(grace), folder }
  const { findings, problems, ...result } = await runLoad(load, (line) => console.log(line))
  for (const problem of problems) console.log(`PROBLEM: ${problem}`)
  for (const what of findings.broken) console.log(`BROKEN: ${what}`)
  for (const what of findings.leftovers) console.log(`left over: ${what}`)
  console.log({ ...result, ...findings.counts })
  process.exitCode = problems.length + findings.broken.length === 0 ? 0 : 1
}
