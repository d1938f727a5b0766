import type { ContainerMount } from '../../container/index.ts'
import {
  appendLayer,
  editContainerConfig,
  emptyImage,
  type Image,
  MEDIA,
  parsePlatform,
  writeImage,
} from '../../oci/index.ts'
import type { Store, StoredImage } from '../../store/index.ts'
import { layersOfStep } from './step-files.ts'
import { surroundingsOf } from './step-mounts.ts'
import { type FoundStep, findStep } from './step-ref.ts'

/** A step as something that a container can be made from. */
export interface StepImage {
  image: StoredImage
  mounts: ContainerMount[]
  /** What the step saw and the container will not. */
  missing: string[]
}

/**
 * Makes an image without a name of what a step left: its file system, environment, working directory and user, with a
 * shell as the command. Fails as `findStep` does, and with `STEP_GONE`.
 */
export async function imageOfStep(store: Store, name: string): Promise<StepImage> {
  const found = findStep(store, name)
  using lease = store.lease()
  const diffIds = layersOfStep(store, lease, found)
  const { layer, mounts, missing } = await surroundingsOf(store, lease, found)
  const layers = [...diffIds, ...(layer ? [layer.diffId] : [])]
  const image = layers.reduce<Image>(
    (value, diffId, at) => {
      const descriptor = { mediaType: MEDIA.ociLayer, digest: diffId, size: store.layers.get(diffId)!.size }
      return appendLayer(value, { descriptor, diffId, history: { created_by: at < diffIds.length ? name : 'mounts' } })
    },
    emptyImage(platformOf(found)),
  )
  const { config, manifest } = writeImage(editContainerConfig(image, configOf(found)))
  store.blobs.writeWhole(config.bytes, lease, config.descriptor.digest)
  store.blobs.writeWhole(manifest.bytes, lease, manifest.descriptor.digest)
  return { image: store.images.put(manifest.descriptor, []), mounts, missing }
}

function platformOf({ build }: FoundStep) {
  return parsePlatform(build.platforms[0] ?? 'local')
}

/** A step that runs nothing has no environment of its own: the nearest one below it has. */
function configOf({ build, step }: FoundStep) {
  let nearest = step
  for (let depth = 0; nearest.config === undefined && depth < build.steps.length; depth++) {
    const below = build.steps.find(({ n }) => n === nearest.inputs[0])
    if (!below) break
    nearest = below
  }
  const { env = [], cwd = '/', user = '' } = nearest.config ?? {}
  return { Env: [...env], WorkingDir: cwd, ...(user === '' ? {} : { User: user }), Cmd: ['/bin/sh'] }
}
