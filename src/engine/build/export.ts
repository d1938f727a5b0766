import { exportImage, restampLayer, type Solver, type StageState } from '../../build/index.ts'
import { type Job, mapLimit, runTask } from '../../core/index.ts'
import type { LayerRecord, Lease, Store, StoredImage } from '../../store/index.ts'

/** A build whose layers are all in the store. */
export interface Finished {
  stage: StageState
  solver: Solver
  layers: readonly LayerRecord[]
  names: readonly string[]
  lease: Lease
  epoch: number | undefined
}

/** Makes an image of what was built, under its names. */
export async function exportTask(store: Store, finished: Finished, job: Job): Promise<StoredImage> {
  const { stage, solver, layers, names, lease, epoch } = finished
  return runTask(job, { id: 'export', name: 'exporting to image' }, async () => {
    const baseCount = stage.base?.layers.length ?? 0
    let next = 0
    const own = layers.slice(baseCount)
    const stamped = epoch === undefined ? own : await restampAll(store, own, { epoch, lease }, job)
    const steps = stage.steps.map(({ createdBy, vertex }) => {
      const time = vertex && (epoch === undefined ? solver.outcome(vertex)?.createdAt : epoch * 1000)
      const created = time === undefined ? {} : { created: new Date(time).toISOString() }
      const history = { ...created, created_by: createdBy, comment: 'buildkit.dockerfile.v0' }
      return vertex ? { history, layer: stamped[next++]! } : { history }
    })
    const image = exportImage(store, lease, { ...resultOf(stage), steps }, names)
    const say = (name: string): Promise<void> =>
      runTask(job, { id: `export ${name}`, name, parent: 'export' }, async () => {})
    await say(`writing image ${image.id}`)
    for (const name of names) await say(`naming to ${name}`)
    return image
  })
}

/** Two at a time, in the given order. */
function restampAll(
  store: Store,
  layers: readonly LayerRecord[],
  options: { epoch: number; lease: Lease },
  job: Job,
): Promise<LayerRecord[]> {
  return mapLimit(layers, 2, (layer) => restampLayer(store, layer, options, job))
}

function resultOf({ platform, base, config, author }: StageState): Omit<Parameters<typeof exportImage>[2], 'steps'> {
  return { platform, config, ...(base ? { base } : {}), ...(author === undefined ? {} : { author }) }
}
