import { expect, test } from 'vitest'
import { digestOf, silentJob } from '../core/index.ts'
import { addLayers, temporaryStore } from '../store/fixture.suite.ts'
import { DEBIAN, filesOf, scanOf } from './fixture.suite.ts'
import { scanFiles, spdxDocument } from './index.ts'

test('the layers of an image are seen as one, and links in it are followed', async () => {
  const store = temporaryStore()
  const diffIds = await addLayers(
    store,
    {
      'usr/lib/os-release': DEBIAN,
      'etc/os-release': { symlink: '../usr/lib/os-release' },
      'var/lib/dpkg/status': 'Package: old\nVersion: 1\n',
      'usr/share/doc/real/copyright': 'License: Expat\n',
      'usr/share/doc/new': { symlink: 'real' },
    },
    { 'var/lib/dpkg/status': 'Package: new\nVersion: 2\n' },
  )
  const found = await scanFiles(await store.layers.tree(diffIds), silentJob)
  expect(found.distribution?.id).toBe('debian')
  expect(found.packages).toMatchObject([{ name: 'new', version: '2', licenses: ['Expat'] }])
})

test('a file that is too large is a problem, and the rest is found', async () => {
  const found = await scanOf({
    'node_modules/big/package.json': ' '.repeat(3 << 20),
    'node_modules/small/package.json': '{"name":"small","version":"1"}',
  })
  expect(found.packages.map((each) => each.name)).toEqual(['small'])
  expect(found.problems).toEqual(['node_modules/big/package.json: too large'])
})

test('a package that several files name counts once', async () => {
  const text = '{"name":"a","version":"1"}'
  expect(
    (await scanOf({ 'x/node_modules/a/package.json': text, 'y/node_modules/a/package.json': text })).packages,
  ).toHaveLength(1)
})

test('texts that are made to be slow to read are not', async () => {
  const spaces = ' '.repeat(1 << 18)
  const author = `x${spaces}`
  const packages = Array.from({ length: 50 }, (_, at) => [
    `node_modules/p${at}/package.json`,
    JSON.stringify({ name: `p${at}`, version: '1', author, license: `(${'('.repeat(400)}` }),
  ])
  const found = await scanOf({
    ...Object.fromEntries(packages),
    'var/lib/dpkg/status': `Package: a\nVersion: 1\nMaintainer: ${spaces}<\nSource: ${'s'.repeat(1 << 20)}\n`,
    'usr/share/doc/a/copyright': `License:${spaces.slice(100)}`,
  })
  expect(found.packages).toHaveLength(51)
  const document = spdxDocument(found, { name: 'x', digest: digestOf('x'), created: 0, version: '1' })
  expect((document['packages'] as unknown[]).length).toBe(52)
})

test('a canceled job ends the scan', async () => {
  const job = { ...silentJob, signal: AbortSignal.abort() }
  await expect(scanFiles(filesOf({ a: '' }), job)).rejects.toMatchObject({ code: 'CANCELED' })
})
