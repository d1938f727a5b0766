import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Machine, StepMount } from '../../container/index.ts'
import type { Job } from '../../core/index.ts'
import type { Mount } from '../../host/index.ts'
import { layerMount, openLayer, unpackLayer } from '../../layer/index.ts'
import type { FileSource } from '../files/source.ts'
import type { BuildSession } from '../session.ts'
import { type LayerRef, type LocalValue, stackOf } from '../values.ts'
import type { BindMount } from './mount.ts'
import { SOURCE_NAME, writeSource } from './source.ts'

/** For whom a mount is made ready, and what is to be given back after the step. */
export interface BindPlace {
  session: BuildSession
  machine: Machine
  key: string
  cleanup: AsyncDisposableStack
}

/** Makes the files of an input mountable: layers as they lie in the store, files of the user's as a copy of those that count. */
export function prepareBind(place: BindPlace, mount: BindMount, value: LocalValue, job: Job): Promise<StepMount> {
  return value.kind === 'layers'
    ? fromLayers(place, mount, value.layers, job)
    : fromFiles(place, mount, value.files, job)
}

async function fromLayers(
  { session, machine, key, cleanup }: BindPlace,
  { target, source, readonly }: BindMount,
  layers: readonly LayerRef[],
  job: Job,
): Promise<StepMount> {
  const { parts, release } = await stackOf(layers)
  cleanup.defer(release)
  const view = await machine.snapshotter.view(parts, path.join(session.mountFolder, 'layers'), job)
  const mounts = readonly
    ? view
    : view.map((mount) => (mount.type === 'overlay' ? writable(session, key, mount) : mount))
  return { kind: 'stack', mounts, path: source, target, readonly }
}

/** What a step writes over the files goes with the build's lease; nobody will ask for it. */
function writable(session: BuildSession, key: string, overlay: Mount): Mount {
  const own = session.newFolder(key)
  const [upper, work] = ['upper', 'work'].map((name) => path.join(own, name)) as [string, string]
  for (const folder of [upper, work]) mkdirSync(folder, { mode: 0o755 })
  return { ...overlay, options: [...overlay.options, `upperdir=${upper}`, `workdir=${work}`, 'volatile'] }
}

/** One copy of the same files serves all steps of a build. */
async function fromFiles(
  place: BindPlace,
  { target, source, readonly }: BindMount,
  files: FileSource,
  job: Job,
): Promise<StepMount> {
  const { session, machine } = place
  const copy = await session.sources(files, source, () => copyFiles(session, machine, files, source, job))
  const path_ = `/${SOURCE_NAME}`
  if ('folder' in copy && readonly) return { kind: 'folder', root: copy.folder, path: path_, target, readonly }
  const mounts = readonly && 'mount' in copy ? [copy.mount] : overlayOf(place, copy)
  return { kind: 'stack', mounts, path: path_, target, readonly }
}

/** The files that a mount shows: a file system to mount, or a folder where the kernel cannot mount layers. */
export type SourceCopy = { mount: Mount; name: string } | { folder: string }

async function copyFiles(
  session: BuildSession,
  machine: Machine,
  files: FileSource,
  source: string,
  job: Job,
): Promise<SourceCopy> {
  const written = await writeSource(session, files, source, job)
  const layer = openLayer(written.index, () => written.tar)
  if (machine.snapshotter.kind === 'erofs') return { mount: layerMount(layer), name: path.basename(written.tar) }
  const folder = `${written.tar}.unpacked`
  mkdirSync(folder, { mode: 0o755 })
  await unpackLayer(layer, folder, { whiteouts: 'none' }, job)
  return { folder }
}

function overlayOf({ session, key }: BindPlace, copy: SourceCopy): Mount[] {
  const lower = 'folder' in copy ? copy.folder : path.join(session.mountFolder, 'layers', copy.name)
  const overlay = { type: 'overlay', source: 'slipway', options: [`lowerdir+=${lower}`, 'index=off'] }
  const above = writable(session, key, overlay)
  return 'folder' in copy ? [above] : [{ ...copy.mount, target: lower }, above]
}
