import { expect, test } from 'vitest'
import { collectBytes, silentJob } from '../../core/index.ts'
import { readTar, writeTar } from '../../layer/index.ts'
import { addLayers, type Member, temporaryStore } from '../../store/fixture.suite.ts'
import { type ExportedTree, treeEntries } from './tree-entries.ts'

async function members(...trees: (Partial<ExportedTree> & { layer: Readonly<Record<string, Member>> })[]) {
  const store = temporaryStore()
  const exported: ExportedTree[] = []
  for (const { layer, ...more } of trees) {
    const tree = await store.layers.tree(await addLayers(store, layer))
    exported.push({ prefix: '', tree, attached: [], epoch: undefined, ...more })
  }
  const found: string[] = []
  for await (const { entry, body } of readTar(writeTar(treeEntries(exported, silentJob)))) {
    const content = await collectBytes(body, 1000, () => new Error('too long'))
    const { name, type, mode, uid, gid, mtime, link } = entry
    found.push([name, type, mode.toString(8), uid, gid, mtime.seconds, link, content.toString()].join('|'))
  }
  return found
}

test('a tar has the files with their owners and times, links after what they mean', async () => {
  const layer: Record<string, Member> = {
    'd/': { directory: true, mode: 0o700, mtime: 5 },
    'd/f': { file: 'text', mode: 0o4755, uid: 7, gid: 8, mtime: 6 },
    'a-link': { hardlink: 'd/f' },
    dev: { char: [1, 3] },
    sym: { symlink: '../up' },
  }
  expect(await members({ layer })).toEqual([
    'a-link|file|4755|7|8|6||text',
    'd/|directory|700|0|0|5||',
    'd/f|hardlink|4755|7|8|6|a-link|',
    'dev|char|644|0|0|1600000000||',
    'sym|symlink|777|0|0|1600000000|../up|',
  ])
})

test('each platform has a folder, and an epoch is the time of everything', async () => {
  const attached = [{ name: 'sbom.json', bytes: Buffer.from('{}') }]
  const found = await members(
    { layer: { f: '1' }, prefix: 'linux_amd64', epoch: 9, attached },
    { layer: { f: '2', g: { hardlink: 'f' } }, prefix: 'linux_arm64', epoch: 9 },
  )
  expect(found).toEqual([
    'linux_amd64/|directory|755|0|0|9||',
    'linux_amd64/f|file|644|0|0|9||1',
    'linux_amd64/sbom.json|file|644|0|0|9||{}',
    'linux_arm64/|directory|755|0|0|9||',
    'linux_arm64/f|file|644|0|0|9||2',
    'linux_arm64/g|hardlink|644|0|0|9|linux_arm64/f|',
  ])
})
