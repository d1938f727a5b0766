import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { findProgram } from '../host/index.ts'
import { addImage, type TestStore, temporaryStore } from './fixture.suite.ts'

interface Entry {
  digest: string
  annotations: Record<string, string>
}

function entries(store: TestStore): Entry[] {
  const text = readFileSync(path.join(store.layout.root, 'index.json'), 'utf8')
  return (JSON.parse(text) as { manifests: Entry[] }).manifests
}

const names = (store: TestStore): (string | undefined)[] =>
  entries(store).map(({ annotations }) => annotations['org.opencontainers.image.ref.name'])

describe('index.json', () => {
  test('follows the names', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }], { names: ['docker.io/library/app:1'] })
    expect(entries(store)).toMatchObject([
      {
        digest: image.descriptor.digest,
        annotations: {
          'io.containerd.image.name': 'docker.io/library/app:1',
          'org.opencontainers.image.ref.name': 'docker.io/library/app:1',
        },
      },
    ])
    store.images.tag('docker.io/library/app:2', image.descriptor.digest)
    expect(names(store)).toEqual(['docker.io/library/app:1', 'docker.io/library/app:2'])
    store.images.untag('docker.io/library/app:1')
    expect(names(store)).toEqual(['docker.io/library/app:2'])
    store.images.remove([image.descriptor.digest])
    expect(entries(store)).toEqual([])
    expect(readdirSync(store.layout.root).filter((name) => name.includes('.tmp'))).toEqual([])
  })

  test('has no names by digest', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }])
    store.images.tag(`docker.io/library/app@${image.descriptor.digest}`, image.descriptor.digest)
    expect(entries(store)).toEqual([])
  })

  test.skipIf(!findProgram('skopeo'))('skopeo reads the store as an OCI layout', async () => {
    const store = temporaryStore()
    const config = { Env: ['A=b'], Cmd: ['sh'] }
    const image = await addImage(store, [{ a: 'x' }, { b: 'y' }], { names: ['docker.io/library/app:1'], config })
    await addImage(store, [{ c: 'z' }], { names: ['registry.example:5000/other:latest'] })
    const inspect = (name: string, ...flags: string[]): unknown =>
      JSON.parse(
        execFileSync('skopeo', ['inspect', ...flags, `oci:${store.layout.root}:${name}`], { encoding: 'utf8' }),
      )
    expect(inspect('docker.io/library/app:1')).toMatchObject({
      Digest: image.descriptor.digest,
      Layers: image.summary.diffIds,
      Env: ['A=b'],
    })
    expect(inspect('docker.io/library/app:1', '--config')).toMatchObject({ config: { Cmd: ['sh'] } })
    expect(inspect('registry.example:5000/other:latest')).toMatchObject({ Layers: [expect.any(String)] })
  })
})
