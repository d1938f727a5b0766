import { describe, expect, test } from 'vitest'
import { MEDIA, writeImage } from '../../oci/index.ts'
import { addLayer, type TestStore, temporaryStore } from '../../store/fixture.suite.ts'
import { assembleImage, type BuildResult, type Packing } from './image.ts'

const PLAIN_PACKING: Packing = {
  mediaTypes: 'oci',
  descriptorOf: ({ diffId, size }) => ({ mediaType: MEDIA.ociLayer, digest: diffId, size }),
}

const platform = { os: 'linux', architecture: 'amd64' }

function exported(store: TestStore, result: Partial<BuildResult>, names: string[] = []) {
  const written = writeImage(assembleImage({ platform, config: {}, steps: [], ...result }, PLAIN_PACKING))
  for (const { bytes } of [written.config, written.manifest]) store.blobs.writeWhole(bytes, store.testLease)
  const image = store.images.put(written.manifest.descriptor, names)
  return { image, config: store.images.config(image).config }
}

const at = (second: number): string => new Date(1_700_000_000_000 + second * 1000).toISOString()

describe('an image', () => {
  test('holds the layers of its base and its steps, and their history', async () => {
    const store = temporaryStore()
    const [base, own] = [await addLayer(store, { a: '1' }), await addLayer(store, { b: '2' })]
    const baseConfig = {
      ...platform,
      rootfs: { type: 'layers', diff_ids: [base.diffId] },
      history: [
        { created: at(1), created_by: 'base' },
        { created: at(2), created_by: 'CMD', empty_layer: true },
      ],
    } as const
    const { config } = exported(store, {
      base: { config: baseConfig, layers: [base] },
      steps: [{ history: { created_by: 'ENV' } }, { history: { created: at(9), created_by: 'RUN' }, layer: own }],
    })
    expect(config.rootfs.diff_ids).toEqual([base.diffId, own.diffId])
    expect(config.history).toEqual([
      { created: at(1), created_by: 'base' },
      { created: at(2), created_by: 'CMD', empty_layer: true },
      { created: at(9), created_by: 'ENV', empty_layer: true },
      { created: at(9), created_by: 'RUN' },
    ])
    expect(config.created).toBe(at(9))
  })

  test('layers of a base that its history does not tell of are kept', async () => {
    const store = temporaryStore()
    const layers = [await addLayer(store, { a: '1' }), await addLayer(store, { b: '2' })]
    const config = { ...platform, rootfs: { type: 'layers' as const, diff_ids: layers.map(({ diffId }) => diffId) } }
    expect(exported(store, { base: { config, layers } }).config.rootfs.diff_ids).toHaveLength(2)
  })

  test('config steps without a layer anywhere take the time of the base, so that the same build is the same image', () => {
    const store = temporaryStore()
    const config = {
      ...platform,
      rootfs: { type: 'layers', diff_ids: [] },
      history: [{ created: at(1), empty_layer: true }],
    } as const
    const result = { base: { config, layers: [] }, steps: [{ history: { created_by: 'ENV' } }] }
    const first = exported(store, result)
    expect(first.config.created).toBe(at(1))
    expect(exported(store, result).image.id).toBe(first.image.id)
  })

  test('has no time when nothing in it has one', () => {
    const { config } = exported(temporaryStore(), { steps: [{ history: { created_by: 'ENV' } }] })
    expect(config.created).toBeUndefined()
    expect(config.history).toEqual([{ created_by: 'ENV', empty_layer: true }])
  })

  test('leaves empty fields of the config out, as Go does', () => {
    const { config } = exported(temporaryStore(), {
      config: { Env: [], Labels: {}, User: '', Cmd: null, Entrypoint: ['/e'], ArgsEscaped: false, WorkingDir: '/' },
      author: 'somebody',
    })
    expect(config.config).toEqual({ Entrypoint: ['/e'], WorkingDir: '/' })
    expect(config).toMatchObject({ author: 'somebody', architecture: 'amd64', os: 'linux' })
  })

  test('is found under its names', () => {
    const store = temporaryStore()
    const name = 'docker.io/library/x:1'
    const { image } = exported(store, {}, [name])
    expect(store.images.named(name)?.id).toBe(image.id)
    expect(image.names).toEqual([name])
  })
})
