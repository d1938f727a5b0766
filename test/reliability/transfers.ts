/**
 * Pulls and pushes of a large layer that are killed, damaged on the disk, or find no room: what has moved is not moved
 * again. By hand: `node test/reliability/transfers.ts [SCENARIO...] [--mib 1024] [--folder /tmp]`.
 */
import { randomFillSync } from 'node:crypto'
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { hasDockerRegistry, startDockerRegistry } from '../../src/registry/docker-registry.suite.ts'
import { serveRegistry } from '../../src/serve/index.ts'
import { type CommandResult, killGroup, type RunningCommand, runCommand, startCommand } from '../command.ts'
import { type CountingProxy, startCountingProxy } from '../e2e/counting-proxy.ts'
import { checkStore, problemsOf } from './check.ts'
import { runtimeFolder } from './traces.ts'
import { SCENARIOS, type Scenario } from './transfer-scenarios.ts'

export const MIB: number = 1 << 20

/** A registry behind a proxy that counts, a store that has an image with one large layer, and room for more stores. */
export interface Arena {
  readonly proxy: CountingProxy
  /** Bytes of the large layer, which cannot be compressed. */
  readonly size: number
  readonly image: string
  /** The store that the image was made in. */
  readonly maker: string
  /** A folder for stores; more of them are made by `newStore`. */
  readonly folder: string
  newStore(): string
  /** Runs to its end. */
  run(root: string, ...args: string[]): Promise<CommandResult>
  /** Runs, and fails when the command does; what it wrote to stdout. */
  ok(root: string, ...args: string[]): Promise<string>
  start(root: string, ...args: string[]): RunningCommand
  /** Kills the command, with all it started, when that many bytes have passed. */
  killedAt(bytes: number, root: string, ...args: string[]): Promise<void>
  /** Fails when an independent checker finds something wrong. */
  expectSound(root: string): void
}

/** Which registry: ours, or Debian's. */
export type Kind = 'own' | 'docker'

/** A layer that many scenarios send and fetch; made once. */
export interface Original {
  readonly folder: string
  readonly store: string
  readonly size: number
}

/** Builds an image with a layer of that many random megabytes, in a store below `folder`. */
export async function makeOriginal(folder: string, mib: number): Promise<Original> {
  const context = path.join(folder, 'context')
  const store = path.join(folder, 'original')
  mkdirSync(context)
  writeNoise(path.join(context, 'large'), mib)
  writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPY large /\nCOPY Dockerfile /\nCMD ["x"]\n')
  const built = await runCommand(['build', '-q', '-t', 'original', context], { root: store, limitSeconds: 600 })
  if (built.exitCode !== 0) throw new Error(built.stderr)
  rmSync(context, { recursive: true })
  return { folder, store, size: mib * MIB }
}

function writeNoise(file: string, mib: number): void {
  const fd = openSync(file, 'w')
  const piece = Buffer.alloc(MIB)
  for (let at = 0; at < mib; at++) writeSync(fd, randomFillSync(piece))
  closeSync(fd)
}

async function startRegistry(kind: Kind, folder: string): Promise<{ domain: string } & AsyncDisposable> {
  if (kind === 'docker') return startDockerRegistry()
  const server = await serveRegistry({ root: path.join(folder, 'registry'), config: { listen: '127.0.0.1:0' } })
  return { domain: new URL(server.url).host, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Plays a scenario in an arena of its own; how many seconds it took, and what it says. Throws what went wrong. */
export async function play(scenario: Scenario, original: Original, kind: Kind): Promise<string> {
  const folder = mkdtempSync(path.join(original.folder, 'arena-'))
  await using registry = await startRegistry(kind, folder)
  await using proxy = await startCountingProxy(registry.domain)
  const arena = arenaAt(folder, original, proxy)
  try {
    await arena.ok(arena.maker, 'tag', 'original', arena.image)
    if (scenario.isPushed) await arena.ok(arena.maker, 'push', '-q', arena.image)
    proxy.counts.up = 0
    return await scenario.play(arena)
  } finally {
    await arena.run(arena.maker, 'rmi', arena.image)
    arena.remove()
  }
}

function arenaAt(folder: string, original: Original, proxy: CountingProxy): Arena & { remove(): void } {
  const stores: string[] = []
  const options = (root: string): { root: string; cwd: string; limitSeconds: number } => {
    return { root, cwd: folder, limitSeconds: 600 }
  }
  const run = (root: string, ...args: string[]): Promise<CommandResult> => runCommand(args, options(root))
  return {
    ...{ proxy, folder, run, size: original.size, maker: original.store, image: `${proxy.domain}/large:1` },
    newStore() {
      stores.push(path.join(folder, `store-${stores.length}`))
      return stores.at(-1)!
    },
    async ok(root, ...args) {
      const { exitCode, stdout, stderr } = await run(root, ...args)
      if (exitCode !== 0) throw new Error(`slipway ${args.join(' ')} ended with ${exitCode}: ${stderr}`)
      return stdout.toString()
    },
    start: (root, ...args) => startCommand(args, options(root)),
    async killedAt(bytes, root, ...args) {
      const hung = proxy.hangAfter(Math.floor(bytes))
      const { child, ended } = startCommand(args, options(root))
      await Promise.race([hung, ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`)))])
      // what was sent has to arrive
      await new Promise((resolve) => setTimeout(resolve, 300))
      killGroup(child)
      await ended
      proxy.release()
    },
    expectSound(root) {
      const problems = problemsOf(checkStore(root))
      if (problems.length > 0) throw new Error(problems.join('\n'))
    },
    remove() {
      for (const store of stores) rmSync(runtimeFolder(store), { recursive: true, force: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A copy of a store. */
export function copyStore(from: string, to: string): void {
  cpSync(from, to, { recursive: true })
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { mib: { type: 'string', default: '1024' }, folder: { type: 'string', default: os.tmpdir() } },
  })
  const folder = mkdtempSync(path.join(values.folder, 'slipway-transfers-'))
  try {
    const original = await makeOriginal(folder, Number(values.mib))
    for (const scenario of SCENARIOS) {
      if (positionals.length > 0 && !positionals.includes(scenario.name)) continue
      for (const kind of scenario.registries ?? ['own']) {
        if (kind === 'docker' && !hasDockerRegistry) continue
        const begun = performance.now()
        const said = await play(scenario, original, kind).catch((error: unknown) => {
          process.exitCode = 1
          return `FAILED: ${error instanceof Error ? error.message : String(error)}`
        })
        const seconds = ((performance.now() - begun) / 1000).toFixed(0)
        console.log(`${scenario.name}, registry ${kind}, ${seconds} s: ${said}`)
      }
    }
  } finally {
    rmSync(runtimeFolder(path.join(folder, 'original')), { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
