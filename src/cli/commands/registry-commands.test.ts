import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hasDockerRegistry, type RunningRegistry, startDockerRegistry } from '../../registry/docker-registry.suite.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { type Answer, callMain } from '../fixture.suite.ts'

// manifest, imagetools, tags and search against Debian's docker-registry
let registry: RunningRegistry
let base: string
let root: string
const named = (name: string): string => `${registry.domain}/${name}`
const slipway = (...argv: string[]): Promise<Answer> =>
  callMain(['--root', root, '--config', path.join(base, 'docker'), ...argv], { env: { HOME: base } })

async function lines(...argv: string[]): Promise<string[]> {
  const { code, out, err } = await slipway(...argv)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out.split('\n').slice(0, -1)
}

beforeAll(async () => {
  if (hasDockerRegistry) registry = await startDockerRegistry()
})
afterAll(async () => {
  if (hasDockerRegistry) await registry[Symbol.asyncDispose]()
})
beforeEach(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'slipway-commands-'))
  root = temporaryStore().root
  writeFileSync(path.join(base, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

async function pushed(): Promise<void> {
  await slipway('build', '-q', '-t', 'app', '--platform', 'linux/amd64,linux/arm64', base)
  for (const arch of ['amd64', 'arm64']) {
    await lines('copy', '-q', '--platform', `linux/${arch}`, 'app', `docker://${named(`app:${arch}`)}`)
  }
}

describe.skipIf(!hasDockerRegistry)('commands', () => {
  beforeEach(pushed)

  test('manifest', async () => {
    const [list, amd64, arm64] = [named('app:list'), named('app:amd64'), named('app:arm64')]
    expect(await lines('manifest', 'create', list, amd64, arm64)).toEqual([`Created manifest list ${list}`])
    expect((await slipway('manifest', 'create', list, amd64)).err).toContain('with no --amend flag')
    expect(await lines('manifest', 'annotate', '--variant', 'v8', list, arm64)).toEqual([])
    const shown = await lines('manifest', 'inspect', list)
    expect(shown.slice(0, 2)).toEqual(['{', '   "schemaVersion": 2,'])
    const verbose = (await lines('manifest', 'inspect', '-v', list, arm64)).join('\n')
    expect(JSON.parse(verbose)).toMatchObject({
      Ref: arm64,
      Descriptor: { platform: { variant: 'v8' } },
      OCIManifest: {},
    })
    expect(verbose).toContain('\n\t"Ref"')
    const [digest] = await lines('manifest', 'push', '-p', list)
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await lines('manifest', 'inspect', list)).toEqual(shown)
    expect(await slipway('manifest', 'rm', list, named('x:1'))).toMatchObject({
      code: 1,
      err: expect.stringMatching(/No such manifest: .*app:list[\s\S]*No such manifest: .*x:1/),
    })
  })

  test('imagetools', async () => {
    const [whole, metadata] = [named('app:whole'), path.join(base, 'metadata.json')]
    const create = ['buildx', 'imagetools', 'create', '--progress', 'none']
    const sources = [named('app:amd64'), named('app:arm64')]
    expect(await lines(...create, '-t', whole, '--metadata-file', metadata, ...sources)).toEqual([])
    const shown = await lines('buildx', 'imagetools', 'inspect', whole)
    expect(shown.slice(0, 2)).toEqual([`Name:      ${whole}`, 'MediaType: application/vnd.oci.image.index.v1+json'])
    expect(shown.filter((line) => line.includes('Platform:'))).toHaveLength(2)
    const of = (format: string): Promise<string[]> => lines('imagetools', 'inspect', whole, '--format', format)
    expect(await of('{{.Manifest.MediaType}}')).toEqual(['application/vnd.oci.image.index.v1+json'])
    const all = JSON.parse((await of('{{json .}}')).join('\n'))
    expect(all).toMatchObject({ name: whole, image: { 'linux/amd64': { os: 'linux' }, 'linux/arm64': {} } })
    const dry = await lines(...create, '--dry-run', '--annotation', 'index:a=b', whole)
    expect(JSON.parse(dry.join('\n'))).toMatchObject({ annotations: { a: 'b' }, manifests: [{}, {}] })
    expect((await slipway(...create, '--dry-run', '-f', 'none', whole)).err).toContain('open none: no such file')
    expect((await slipway('imagetools', 'inspect', named('x'))).err).toContain('not found')
    expect((await slipway('imagetools', 'inspect', '--raw', '--format', 'x', whole)).code).toBe(1)
  })

  test('tags', async () => {
    const repository = named('app')
    expect(await lines('tags', 'ls', repository)).toEqual(expect.arrayContaining(['amd64', 'arm64']))
    const table = await lines('tags', 'ls', '--limit', '1', '--format', 'table {{.Name}}', repository)
    expect(table).toEqual([expect.stringMatching(/^NAME/), `${repository}:amd64`])
    expect(await lines('tags', 'rm', `${repository}:arm64`)).toEqual([`Untagged: ${repository}:arm64`])
    expect(await lines('tags', 'ls', repository)).not.toContain('arm64')
    const removed = await lines('tags', 'rm', '--with-manifest', `${repository}:amd64`)
    expect(removed[1]).toMatch(/^Deleted: sha256:/)
    expect(await slipway('tags', 'rm', `${repository}:none`)).toMatchObject({ code: 1 })
  })

  test('search', async () => {
    const [header, row] = await lines('search', named('ap'))
    expect(header).toMatch(/^NAME +DESCRIPTION +STARS +OFFICIAL$/)
    expect(row).toMatch(new RegExp(`^${named('app')} +0`))
    expect(await lines('search', '-f', 'stars=1', '--format', '{{.Name}}', named('ap'))).toEqual([])
    for (const filter of ['x=1', 'stars=many', 'is-official=perhaps']) {
      expect((await slipway('search', '-f', filter, named('ap'))).err).toContain('invalid filter')
    }
  })
})
