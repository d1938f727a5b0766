import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { type Bytes, fail, type Job, runTask } from '../core/index.ts'
import { requireProgram } from '../host/index.ts'
import { createLayerWriter } from '../layer/index.ts'
import {
  appendLayer,
  type ContainerConfig,
  editConfig,
  editContainerConfig,
  emptyImage,
  hostPlatform,
  MEDIA,
  writeImage,
} from '../oci/index.ts'
import type { LayerRecord, Lease, Store, StoredImage } from '../store/index.ts'
import { writeBusybox } from './busybox.ts'
import { fullName } from './images.ts'

/** A base image that is made from what the distribution itself publishes, without any registry. */
export interface BootstrapRequest {
  /** `debian`, `debian:bookworm` ... or `busybox`. */
  what: string
  /** Name of the image; the same as `what` when missing. */
  tag?: string
}

const DEFAULT_SUITE = 'bookworm'
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Makes a base image. Fails with `PROGRAM_MISSING`, `PROGRAM_FAILED` or `BOOTSTRAP_UNKNOWN`. */
export async function bootstrap(store: Store, request: BootstrapRequest, job: Job): Promise<StoredImage> {
  const [distribution, suite] = request.what.split(':')
  if (distribution === 'debian') return bootstrapDebian(store, suite ?? DEFAULT_SUITE, request, job)
  if (distribution === 'busybox' && suite === undefined) return bootstrapBusybox(store, request, job)
  throw fail('BOOTSTRAP_UNKNOWN', `cannot bootstrap "${request.what}"`, {
    hint: 'try debian, debian:trixie, or busybox',
  })
}

async function bootstrapDebian(store: Store, suite: string, request: BootstrapRequest, job: Job): Promise<StoredImage> {
  if (!/^[a-z][a-z0-9.-]*$/.test(suite)) throw fail('BOOTSTRAP_UNKNOWN', `"${suite}" is not the name of a Debian suite`)
  const name = fullName(request.tag ?? `debian:${suite}`)
  using lease = store.lease()
  const task = { id: 'bootstrap', name: `installing Debian ${suite} from ${debianMirror()} (mmdebstrap)` }
  const layer = await runTask(job, task, () => importRootfs(store, lease, suite, job))
  const config = { Env: [PATH], Cmd: ['bash'] }
  return record(store, lease, { layer, config, name, createdBy: `mmdebstrap --variant=minbase ${suite}` })
}

async function importRootfs(store: Store, lease: Lease, suite: string, job: Job): Promise<LayerRecord> {
  const child = spawn(requireProgram('mmdebstrap'), debianArgs(suite), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SOURCE_DATE_EPOCH: process.env['SOURCE_DATE_EPOCH'] ?? String(startOfDay()) },
    ...(job.signal ? { signal: job.signal } : {}),
  })
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => {
    said.push(chunk)
    job.progress({ type: 'log', task: 'bootstrap', stream: 'stderr', chunk })
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(failed(code, said))))
  })
  ended.catch(() => {}) // its own error says more than that of the archive which was cut
  const imported = store.layers.import(untilEnd(child.stdout, ended), { lease, task: 'bootstrap' }, job)
  return (await imported.catch(async (error: unknown) => ended.then(() => Promise.reject(error)))).record
}

/** The archive only counts when the program that wrote it ended well. */
async function* untilEnd(stream: Readable, ended: Promise<void>): Bytes {
  yield* stream as unknown as Bytes
  await ended
}

function debianArgs(suite: string): string[] {
  const mirror = debianMirror()
  const sources = [`deb ${mirror} ${suite} main`]
  if (!['sid', 'unstable', 'testing'].includes(suite)) {
    sources.push(`deb ${mirror} ${suite}-updates main`, `deb ${mirror}-security ${suite}-security main`)
  }
  return [
    ...['--variant=minbase', '--mode=root', '--format=tar'],
    // what the host's network looks like is not part of an image
    '--customize-hook=rm -f "$1/etc/resolv.conf" "$1/etc/hostname"',
    suite,
    '-',
    ...sources,
  ]
}

/** The archive that this machine itself uses, if it is a Debian; else the project's own. */
export function debianMirror(): string {
  const files = ['/etc/apt/sources.list', ...listFolder('/etc/apt/sources.list.d')]
  const text = files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const addresses = text.split('\n').flatMap((line) => (/^(deb |URIs:)/.test(line) ? line.split(/\s+/) : []))
  const found = addresses.find((word) => /^https?:\/\/[^ ]+\/debian\/?$/.test(word))
  return (found ?? 'http://deb.debian.org/debian').replace(/\/$/, '')
}

function listFolder(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((file) => path.join(folder, file)) : []
}

function failed(code: number | null, said: Buffer[]): Error {
  const lines = Buffer.concat(said).toString().trim().split('\n')
  const errors = lines.filter((line) => line.startsWith('E:'))
  const detail = (errors.length > 0 ? errors : lines).slice(-3).join('\n')
  return fail('PROGRAM_FAILED', `mmdebstrap ended with exit code ${code}: ${detail}`)
}

/** Midnight UTC: two bases that are made on one day from the same packages are equal. */
function startOfDay(): number {
  return Math.floor(Date.now() / 86_400_000) * 86_400
}

async function bootstrapBusybox(store: Store, request: BootstrapRequest, job: Job): Promise<StoredImage> {
  const program = requireProgram('busybox')
  using lease = store.lease()
  const files = store.layers.temporary(lease)
  const task = { id: 'bootstrap', name: `packing ${program}` }
  const layer = await runTask(job, task, async () => {
    const writer = createLayerWriter(files, {}, job)
    writeBusybox(writer, program)
    return store.layers.adopt(files, writer.finish(), lease)
  })
  const config = { Env: [PATH], Cmd: ['sh'] }
  const name = fullName(request.tag ?? request.what)
  return record(store, lease, { layer, config, name, createdBy: 'busybox --install' })
}

function record(
  store: Store,
  lease: Lease,
  base: { layer: LayerRecord; config: ContainerConfig; name: string; createdBy: string },
): StoredImage {
  const { layer, config, name, createdBy } = base
  const created = new Date(startOfDay() * 1000).toISOString()
  const descriptor = { mediaType: MEDIA.ociLayer, digest: layer.diffId, size: layer.size }
  const history = { created, created_by: createdBy, comment: 'slipway bootstrap' }
  const empty = editContainerConfig(editConfig(emptyImage(hostPlatform()), { created }), config)
  const written = writeImage(appendLayer(empty, { descriptor, diffId: layer.diffId, history }))
  store.blobs.writeWhole(written.config.bytes, lease, written.config.descriptor.digest)
  store.blobs.writeWhole(written.manifest.bytes, lease, written.manifest.descriptor.digest)
  return store.images.put(written.manifest.descriptor, [name])
}
