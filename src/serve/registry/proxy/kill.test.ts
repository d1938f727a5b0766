import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { send, temporaryFolder } from '../fixture.suite.ts'
import { startUpstream } from './played.suite.ts'

/** The machine may be busy. */
const PATIENTLY = { timeout: 20_000 }

const main = path.resolve(import.meta.dirname, '../../../cli/bin.ts')
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** The cache as a process of its own, as a user starts it. */
async function spawnCache(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const argv = ['--disable-warning=ExperimentalWarning', main, 'registry', 'serve']
  const child = spawn(process.execPath, [...argv, '--config', path.join(folder, 'registry.toml')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.push(child)
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  return { url: line.replace('Listening at ', ''), child }
}

test('a cache that is killed while a blob comes has no part of it as a blob, and fetches only the rest', async () => {
  const upstream = await startUpstream()
  const { layer, layerDigest } = upstream.image
  const ranges: (string | undefined)[] = []
  let isSlow = true
  upstream.play = ({ method, url, headers }, response) => {
    if (method !== 'GET' || !url!.includes(layerDigest)) return false
    ranges.push(headers.range)
    if (!isSlow) return false
    response.writeHead(200, { 'content-length': layer.length }).write(layer.subarray(0, 2_000_000))
  }
  const folder = temporaryFolder()
  writeFileSync(
    path.join(folder, 'registry.toml'),
    `listen = "127.0.0.1:0"\nroot = "data"\n[[proxy.upstream]]\nname = "${upstream.domain}"\nprefix = "up"\n`,
  )
  const at = `/v2/up/team/app/blobs/${layerDigest}`
  const first = await spawnCache(folder)
  let received = 0
  const reading = get(`${first.url}${at}`, (answer) => {
    answer.on('data', (chunk: Buffer) => (received += chunk.length))
    answer.on('error', () => {})
  })
  reading.on('error', () => {})
  await expect.poll(() => received, PATIENTLY).toBe(2_000_000)
  const ended = once(first.child, 'exit')
  first.child.kill('SIGKILL')
  await ended

  expect(readdirSync(path.join(folder, 'data/blobs'))).toEqual([])
  isSlow = false
  const second = await spawnCache(folder)
  expect((await send(second, 'GET', at)).body).toEqual(layer)
  expect(ranges).toEqual([undefined, 'bytes=2000000-'])
})
