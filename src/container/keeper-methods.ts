import path from 'node:path'
import { type Digest, digestHex, type Job } from '../core/index.ts'
import { type HelperMethods, type Mount, warmCgroups } from '../host/index.ts'
import {
  createLayerWriter,
  diffUpper,
  type LayerFiles,
  type LayerSummary,
  openFileTree,
  openLayer,
} from '../layer/index.ts'
import { type BundleRequest, writeBundle } from './bundle.ts'
import { createMonitored, type StartRequest } from './monitor.ts'
import { type MachineFacts, type ProbeRequest, probeMachine } from './probe.ts'
import { runBundle } from './runtime.ts'
import { MountedStacks } from './stack.ts'
import { mountMemory, mountStep, type StepMount } from './step-mounts.ts'

/** A process to run in a stack of layers, to its end. */
export interface StepRequest extends BundleRequest {
  /** Where the output belongs. */
  task: string
  /** The file system; the one without a target becomes the root. */
  mounts: readonly Mount[]
  /** A folder of the step's own, for its bundle. */
  folder: string
  /** What it sees beside its root, for as long as it runs. */
  sources?: readonly StepMount[]
  /** Its environment holds secrets: the bundle lies in memory. */
  secret?: boolean
}

/** An overlay's upper directory that is to become a layer. */
export interface CommitRequest {
  upper: string
  /** Indexes of the layers below, bottom first. */
  lower: readonly string[]
  /** The folder with blobs by algorithm and hex digest. */
  blobs: string
  files: LayerFiles
}

const stacks = new MountedStacks()

/** What a keeper does for the process that started it. */
export interface KeeperMethods extends HelperMethods {
  probe(request: ProbeRequest, job: Job): Promise<MachineFacts>
  runStep(request: StepRequest, job: Job): Promise<{ exitCode: number }>
  commit(request: CommitRequest, job: Job): Promise<LayerSummary>
  create(request: StartRequest, job: Job): Promise<{ pid: number }>
}

export const keeperMethods: KeeperMethods = { probe: probeMachine, runStep, commit, create: createMonitored }

async function runStep(request: StepRequest, job: Job): Promise<{ exitCode: number }> {
  const { id, task, folder, process } = request
  void warmCgroups()
  using cleanup = new DisposableStack()
  if (request.secret) mountMemory(folder, cleanup)
  const runtime = request.secret ? { ...request.runtime, stateFolder: path.join(folder, 'state') } : request.runtime
  const rootfs = path.join(folder, 'rootfs')
  cleanup.use(stacks.mount(request.mounts, rootfs))
  const { mounts } = cleanup.use(mountStep(request.sources ?? [], { rootfs, folder, stacks }))
  writeBundle(folder, rootfs, { ...request, runtime, process: { ...process, mounts: [...process.mounts, ...mounts] } })
  const output = {
    stdout: (chunk: Buffer) => job.progress({ type: 'log', task, stream: 'stdout', chunk }),
    stderr: (chunk: Buffer) => job.progress({ type: 'log', task, stream: 'stderr', chunk }),
  }
  return { exitCode: await runBundle(runtime, { id, bundle: folder, program: process.args[0]! }, output, job) }
}

/** Turns an upper directory into a layer. The directory stays. */
async function commit(request: CommitRequest, job: Job): Promise<LayerSummary> {
  const blobPath = (diffId: Digest): string => path.join(request.blobs, 'sha256', digestHex(diffId))
  const lower = openFileTree(request.lower.map((index) => openLayer(index, blobPath)))
  const writer = createLayerWriter(request.files, {}, job)
  try {
    await diffUpper(request.upper, writer, { lower }, job)
    return writer.finish()
  } catch (error) {
    writer.abort()
    throw error
  }
}
