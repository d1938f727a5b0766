/** Images over a registry: pull, push and run, also when processes are killed in the middle. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import {
  hasDockerRegistry,
  type RunningRegistry,
  startDockerRegistry,
} from '../../src/registry/docker-registry.suite.ts'
import { type CommandResult, killGroup, runCommand, startCommand } from '../command.ts'
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts'

const canRun = process.getuid?.() === 0 && findProgram('busybox') !== undefined
const MIB = 1 << 20

/** Bytes of layers that are not whole yet. */
function bytesArrived(root: string): number {
  const folder = path.join(root, 'transfers')
  if (!existsSync(folder)) return 0
  return readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0)
}

describe.skipIf(!hasDockerRegistry)('a registry (docker-registry is needed)', () => {
  let work: string
  let registry: RunningRegistry
  let proxy: CountingProxy
  let stores = 0

  const newStore = (): string => path.join(work, `store-${stores++}`)
  const slipway = (root: string, ...args: string[]): Promise<CommandResult> => runCommand(args, { root, cwd: work })
  const ok = async (root: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await slipway(root, ...args)
    expect([exitCode, stderr]).toEqual([0, expect.anything()])
    return stdout.toString()
  }
  /** Pushes an image with a layer of so many random megabytes, and a small one; its name. */
  const pushed = async (name: string, megabytes: number): Promise<string> => {
    const context = path.join(work, name)
    mkdirSync(context)
    writeFileSync(path.join(context, 'large'), randomBytes(megabytes * MIB))
    writeFileSync(path.join(context, 'small'), name)
    writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPY large /\nCOPY small /\nCMD ["x"]\n')
    const image = `${proxy.domain}/${name}:1`
    await ok(newStore(), 'build', '-q', '-t', image, '--push', context)
    return image
  }
  const killedAt = async (bytes: number, root: string, ...args: string[]): Promise<void> => {
    const hung = proxy.hangAfter(bytes)
    const { child, ended } = startCommand(args, { root, cwd: work })
    await hung
    // what was sent has to arrive
    await new Promise((resolve) => setTimeout(resolve, 300))
    const wanted = args[0] === 'pull' ? bytes * 0.9 : 0
    for (let tries = 0; tries < 200 && bytesArrived(root) < wanted; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    killGroup(child)
    await ended
    proxy.release()
  }

  beforeAll(async () => {
    work = mkdtempSync(path.join(os.tmpdir(), 'slipway-registry-e2e-'))
    registry = await startDockerRegistry()
    proxy = await startCountingProxy(registry.domain)
  })
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await registry?.[Symbol.asyncDispose]()
    rmSync(work, { recursive: true, force: true })
  })
  beforeEach(() => {
    proxy.release()
    proxy.requests.length = 0
    proxy.counts.down = 0
    proxy.counts.up = 0
  })

  test.skipIf(!canRun)(
    'busybox is pushed, pulled elsewhere, run, and pushed on as it came (root, busybox)',
    async () => {
      const [here, there] = [newStore(), newStore()]
      {
        using engine = openEngine({ root: here })
        await engine.bootstrap({ what: 'busybox' })
      }
      const image = `${proxy.domain}/base/busybox:1`
      await ok(here, 'tag', 'busybox', image)
      const lines = (await ok(here, 'push', image)).split('\n')
      const digest = /^1: digest: (sha256:[0-9a-f]{64}) size: \d+$/.exec(lines[2]!)?.[1]
      expect(lines).toEqual([
        `The push refers to repository [${proxy.domain}/base/busybox]`,
        expect.stringMatching(/^[0-9a-f]{12}: Pushed$/),
        expect.stringContaining(`1: digest: ${digest} size: `),
        '',
      ])
      expect(await ok(here, 'inspect', '-f', '{{.RepoDigests}}', image)).toBe(
        `[${proxy.domain}/base/busybox@${digest}]\n`,
      )

      const { exitCode, stdout, stderr } = await slipway(there, 'run', '--rm', image, 'echo', 'here')
      expect([exitCode, stdout.toString()]).toEqual([0, 'here\n'])
      const layer = lines[1]!.slice(0, 12)
      expect(stderr.split('\n')).toEqual([
        `Unable to find image '${image}' locally`,
        '1: Pulling from base/busybox',
        `${layer}: Pulling fs layer`,
        `${layer}: Download complete`,
        `${layer}: Pull complete`,
        `Digest: ${digest}`,
        `Status: Downloaded newer image for ${image}`,
        '',
      ])
      expect(await ok(there, 'images', '--digests', '--format', '{{.Repository}} {{.Digest}}')).toBe(
        `${proxy.domain}/base/busybox ${digest}\n`,
      )

      proxy.counts.up = 0
      await ok(there, 'tag', image, `${proxy.domain}/base/other:2`)
      const again = await ok(there, 'push', `${proxy.domain}/base/other:2`)
      expect(again).toContain(`${layer}: Mounted from base/busybox\n2: digest: ${digest} size: `)
      expect(proxy.counts.up).toBeLessThan(10_000)
    },
  )

  test('nothing is asked twice: a second pull is one HEAD, a second push sends nothing', async () => {
    const image = await pushed('twice', 1)
    const root = newStore()
    await ok(root, 'pull', '-q', image)
    proxy.requests.length = 0
    expect(await ok(root, 'pull', image)).toContain(`Status: Image is up to date for ${image}\n${image}\n`)
    expect(proxy.requests).toEqual(['HEAD /v2/twice/manifests/1'])
    proxy.requests.length = 0
    expect(await ok(root, 'push', image)).toMatch(/^The push .*\n(\w+: Layer already exists\n){2}1: digest: /)
    expect(proxy.requests.filter((line) => /^(POST|PATCH)/.test(line))).toEqual([])
  })

  test('a pull that is killed goes on, and fetches only the rest', async () => {
    const image = await pushed('killed-pull', 8)
    const root = newStore()
    await killedAt(4 * MIB, root, 'pull', image)
    expect(await ok(root, 'transfers', 'ls', '--format', '{{.Kind}} {{.Percent}} {{.Status}}')).toMatch(
      /^download (4|5)\d stopped$/m, // a small layer may have begun, too
    )
    const before = proxy.counts.down
    expect(await ok(root, 'pull', image)).toContain('Status: Downloaded newer image')
    const total = proxy.counts.down
    // the whole is 8 MiB; what was in the air when the process was killed is fetched again
    expect(total - before).toBeLessThan(4.3 * MIB)
    expect(total).toBeLessThan(8.3 * MIB)
    expect(await ok(root, 'transfers', 'ls', '-q')).toBe('')
    expect(await ok(root, 'images', '-q')).toMatch(/^[0-9a-f]{12}\n$/)
  })

  test('two that pull the same fetch it once, and when one is killed the other goes on', async () => {
    const image = await pushed('together', 8)
    const root = newStore()
    await Promise.all([ok(root, 'pull', image), ok(root, 'pull', image)])
    expect(proxy.counts.down).toBeLessThan(8.2 * MIB)
    const other = newStore()
    proxy.counts.down = 0
    const hung = proxy.hangAfter(4 * MIB)
    const first = startCommand(['pull', image], { root: other, cwd: work })
    await hung
    const second = startCommand(['pull', image], { root: other, cwd: work })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    killGroup(first.child)
    await first.ended
    proxy.release()
    expect((await second.ended).exitCode).toBe(0)
    expect(proxy.counts.down).toBeLessThan(8.4 * MIB)
  })

  test('a push that is killed is remembered, and the next one sends what is not there', async () => {
    const context = path.join(work, 'killed-push')
    mkdirSync(context)
    writeFileSync(path.join(context, 'large'), randomBytes(8 * MIB))
    writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPY large /\nCOPY Dockerfile /\nCMD ["x"]\n')
    const image = `${proxy.domain}/killed-push:1`
    const root = newStore()
    await ok(root, 'build', '-q', '-t', image, context)
    await killedAt(4 * MIB, root, 'push', image)
    expect(await ok(root, 'transfers', 'ls', '--format', '{{.Kind}} {{.Repository}}')).toBe(
      `upload ${proxy.domain}/killed-push\n`,
    )
    // docker-registry loses its place in what breaks off, so the large layer is sent from its beginning; the other is there
    expect(await ok(root, 'push', image)).toMatch(/^\w+: Layer already exists\n\w+: Pushed$/m)
    expect(await ok(root, 'transfers', 'ls', '-q')).toBe('')
    await ok(newStore(), 'pull', '-q', image)
  })

  test.skipIf(!canRun)(
    'a build pulls its base, pushes its image and keeps its cache there (root, busybox)',
    async () => {
      const [maker, builder, other] = [newStore(), newStore(), newStore()]
      {
        using engine = openEngine({ root: maker })
        await engine.bootstrap({ what: 'busybox' })
      }
      const at = (name: string): string => `${proxy.domain}/ci/${name}`
      await ok(maker, 'tag', 'busybox', at('base'))
      await ok(maker, 'push', '-q', at('base'))
      const context = path.join(work, 'build')
      mkdirSync(context)
      writeFileSync(path.join(context, 'Dockerfile'), `FROM ${at('base')}\nRUN echo made > /made\nCOPY Dockerfile /\n`)
      const cache = `type=registry,ref=${at('cache')},mode=max`
      await ok(builder, 'build', '-q', '-t', at('app:1'), '--push', '--cache-to', cache, context)
      const from = ['--cache-from', at('cache'), '--expect-cached', 'RUN echo', '--cache-to', 'type=inline']
      await ok(other, 'build', '-q', '-t', at('app:2'), '-o', 'type=registry', ...from, context)
      const inline = ['--cache-from', at('app:2'), '--expect-cached', 'RUN echo']
      await ok(newStore(), 'build', '-q', ...inline, context)
      expect(await ok(newStore(), 'run', '--rm', '--quiet', at('app:1'), 'cat', '/made')).toBe('made\n')
    },
  )

  test.each<[string, string[], string]>([
    ['a tag that is not there', ['pull', '%/none:1'], 'failed to resolve reference "%/none:1": %/none:1: not found'],
    ['a digest to push', ['push', `%/x@sha256:${'0'.repeat(64)}`], 'cannot push a digest reference'],
    ['a name to push that is not here', ['push', '%/none'], 'tag does not exist: %/none:latest'],
    ['all tags of one', ['pull', '-a', '%/x:1'], "tag can't be used with --all-tags/-a"],
    ['all tags of none', ['push', '-a', '%/x'], 'An image does not exist locally with the tag: %/x'],
    ['a reserved name', ['pull', 'scratch'], "'scratch' is a reserved name"],
    ['a transfer that is none', ['transfers', 'rm', 'abc'], 'No such transfer: abc'],
  ])('%s is refused in Docker’s words', async (_what, args, message) => {
    const here = (text: string): string => text.replaceAll('%', proxy.domain)
    const { exitCode, stderr } = await slipway(path.join(work, 'store-refused'), ...args.map(here))
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(here(message))])
  })

  test('all tags are pulled and pushed', async () => {
    const image = await pushed('many', 1)
    const root = newStore()
    await ok(root, 'pull', '-q', image)
    const name = `${proxy.domain}/many`
    await ok(root, 'tag', image, `${name}:2`)
    const lines = (await ok(root, 'push', '-a', name)).match(/^\w+: digest: /gm)
    expect(lines).toEqual(['1: digest: ', '2: digest: '])
    const all = await ok(newStore(), 'pull', '-a', name)
    expect(all.match(/^Status: Downloaded newer image for .*$/gm)).toHaveLength(2)
    expect(all.split('\n').at(-2)).toBe(name)
  })
})

test('a push to our own registry that is killed goes on, and sends only the rest', async () => {
  const work = mkdtempSync(path.join(os.tmpdir(), 'slipway-registry-own-'))
  const root = path.join(work, 'store')
  const urlFile = path.join(work, 'url')
  const serve = ['registry', 'serve', '--listen', '127.0.0.1:0', '--root', path.join(work, 'registry')]
  const server = startCommand([...serve, '--url-file', urlFile], { root, cwd: work })
  try {
    await expect.poll(() => existsSync(urlFile), { timeout: 30_000 }).toBe(true)
    await using proxy = await startCountingProxy(new URL(readFileSync(urlFile, 'utf8').trim()).host)
    const image = `${proxy.domain}/app:1`
    mkdirSync(path.join(work, 'context'))
    writeFileSync(path.join(work, 'context/large'), randomBytes(8 * MIB))
    writeFileSync(path.join(work, 'context/Dockerfile'), 'FROM scratch\nCOPY large /\n')
    const run = (...args: string[]): Promise<CommandResult> => runCommand(args, { root, cwd: work })
    expect((await run('build', '-q', '-t', image, 'context')).exitCode).toBe(0)
    const hung = proxy.hangAfter(4 * MIB)
    const { child, ended } = startCommand(['push', image], { root, cwd: work })
    await hung
    // what was sent has to arrive
    await new Promise((resolve) => setTimeout(resolve, 500))
    killGroup(child)
    await ended
    proxy.release()
    expect((await run('push', image)).exitCode).toBe(0)
    expect(proxy.counts.up).toBeLessThan(8.5 * MIB)
  } finally {
    killGroup(server.child)
    await server.ended
    rmSync(work, { recursive: true, force: true })
  }
})
