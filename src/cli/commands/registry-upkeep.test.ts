import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { loadConfig, serveRegistry } from '../../serve/index.ts'
import { openCommandLine } from '../fixture.suite.ts'

test('collection, retention and scrub: with a server and without', async () => {
  const run = openCommandLine()
  const root = path.join(run.root, 'registry')
  mkdirSync(root, { recursive: true })
  const config = path.join(run.root, 'registry.toml')
  const keep = '[[retention]]\nrepositories = ["**"]\n[[retention.keep]]\ntags = ["dev-*"]\nlast_pushed = 0\n'
  writeFileSync(config, `listen = "127.0.0.1:0"\n[gc]\nblob_grace = "0s"\nmanifest_grace = "0s"\n${keep}`)
  const registry = (...words: string[]) => run('registry', ...words, '--root', root, '--config', config)
  {
    await using server = await serveRegistry({ root, config: loadConfig(config) })
    const put = (text: string) =>
      fetch(`${server.url}/v2/app/blobs/uploads/?digest=${digestOf(text)}`, { method: 'POST', body: text })
    expect((await put('loose')).status).toBe(201)
    expect((await registry('gc', '--dry-run')).out).toBe('Would remove 0 manifests and 1 blob: 5B\n')
    expect((await registry('gc')).out).toBe('Removed 0 manifests and 1 blob: 5B\n')
    const manifest = `{"schemaVersion":2,"config":{"mediaType":"a/b","size":2,"digest":"${digestOf('{}')}"},"layers":[]}`
    await put('{}')
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    const pushed = await fetch(`${server.url}/v2/app/manifests/dev-1`, { method: 'PUT', headers, body: manifest })
    expect(pushed.status).toBe(201)
  }
  const dry = await registry('retention', '--dry-run')
  expect(dry).toMatchObject({ code: 0, out: 'remove app:dev-1 (not among the last 0 pushed of dev-*)\n' })
  expect((await registry('retention')).out).toBe('Repositories: 1, tags removed: 1, kept: 0\n')
  expect((await registry('scrub')).out).toBe('Checked 1 blob, 2B; removed 0 stray files\n')
  expect((await registry('gc')).out).toBe('Removed 1 manifest and 1 blob: 2B\n')
})
