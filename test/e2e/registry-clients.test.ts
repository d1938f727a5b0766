/** Other programs push to our registry and pull from it, as their users would. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf } from '../../src/core/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { makeSample } from '../../src/oci/repository.suite.ts'
import { openFolder, type RegistryServer, repositoryTarget, serveRegistry } from '../../src/serve/index.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const has = (program: string): boolean => findProgram(program) !== undefined
const sample = makeSample('for other clients')

let folder: string
let server: RegistryServer
let host: string

/** Runs a program to its end; answers with what it printed. */
async function call(program: string, ...argv: string[]): Promise<string> {
  const env = { ...process.env, HOME: folder, REGISTRY_AUTH_FILE: path.join(folder, 'auth.json') }
  return (await run(program, argv, { env, timeout: 50_000 })).stdout
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-clients-'))
  writeFileSync(path.join(folder, 'auth.json'), '{}')
  const root = path.join(folder, 'registry')
  const storage = openFolder(root)
  const target = repositoryTarget(storage, 'first/app')
  for (const { descriptor, bytes } of sample.contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag('1.0', sample.index.descriptor)
  await storage[Symbol.asyncDispose]()
  server = await serveRegistry({ root, config: { listen: '127.0.0.1:0' } })
  host = server.url.replace('http://', '')
})

afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function tagsOf(repository: string): Promise<string[]> {
  const answer = await fetch(`${server.url}/v2/${repository}/tags/list`)
  return ((await answer.json()) as { tags: string[] }).tags
}

describe.skipIf(!has('skopeo'))('skopeo', () => {
  test('copies all platforms, inspects, lists and deletes', async () => {
    const copy = ['copy', '-q', '--all', '--src-tls-verify=false', '--dest-tls-verify=false']
    await call('skopeo', ...copy, `docker://${host}/first/app:1.0`, `docker://${host}/second/app:2.0`)
    const inspected = await call('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${host}/second/app:2.0`)
    expect(inspected).toBe(sample.index.bytes.toString())
    const listed = await call('skopeo', 'list-tags', '--tls-verify=false', `docker://${host}/second/app`)
    expect(JSON.parse(listed)).toMatchObject({ Tags: ['2.0'] })
    await call('skopeo', 'delete', '--tls-verify=false', `docker://${host}/second/app:2.0`)
    expect(await tagsOf('second/app')).toEqual([])
    expect(await tagsOf('first/app')).toEqual(['1.0'])
  })

  test('takes one platform to a folder, and back as a Docker image', async () => {
    const layout = `oci:${path.join(folder, 'layout')}:app`
    const platform = ['--override-os', 'linux', '--override-arch', 'arm64']
    await call('skopeo', ...platform, 'copy', '-q', '--src-tls-verify=false', `docker://${host}/first/app:1.0`, layout)
    const back = [
      'copy',
      '-q',
      '--format',
      'v2s2',
      '--dest-tls-verify=false',
      layout,
      `docker://${host}/third/app:docker`,
    ]
    await call('skopeo', ...platform, ...back)
    const answer = await fetch(`${server.url}/v2/third/app/manifests/docker`)
    expect(answer.headers.get('content-type')).toBe('application/vnd.docker.distribution.manifest.v2+json')
  })
})

describe.each(['podman', 'buildah'])('%s', (program) => {
  test.skipIf(!isRoot || !has(program))('pulls and pushes', async () => {
    const places = ['--root', path.join(folder, program), '--runroot', path.join(folder, `${program}-run`)]
    const mine = (...argv: string[]): Promise<string> => call(program, ...places, '--storage-driver', 'vfs', ...argv)
    await mine('pull', '-q', '--tls-verify=false', `${host}/first/app:1.0`)
    await mine('tag', `${host}/first/app:1.0`, `${host}/${program}/app:pushed`)
    await mine('push', '-q', '--tls-verify=false', `${host}/${program}/app:pushed`)
    expect(await tagsOf(`${program}/app`)).toEqual(['pushed'])
    await mine('rmi', '-f', `${host}/${program}/app:pushed`)
    await mine('pull', '-q', '--tls-verify=false', `${host}/${program}/app:pushed`)
    expect(await mine('images', '-q')).not.toBe('')
  })
})
