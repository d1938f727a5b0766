import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach } from 'vitest'
import { asBuffer, type Digest, type Job, type ProgressEvent, toByteString } from '../core/index.ts'
import { isRoot } from '../host/child.suite.ts'
import { findProgram } from '../host/index.ts'
import { createLayerWriter } from '../layer/index.ts'
import { type TestStore, temporaryStore } from '../store/fixture.suite.ts'
import { type Attachment, attach } from './attach.ts'
import { type Machine, openMachine } from './machine.ts'
import type { MonitorPaths, StartRequest } from './monitor.ts'
import { deleteContainer, killContainer, startContainer } from './runtime.ts'
import type { ContainerProcess } from './spec.ts'

/** The OCI runtimes of this machine, as paths. */
export const RUNTIMES: readonly string[] = ['crun', 'runc'].flatMap((name) => findProgram(name) ?? [])

/** Whether containers can be started here: by root, with a runtime, conmon and a busybox to put into images. */
export const canRun: boolean =
  isRoot && RUNTIMES.length > 0 && ['conmon', 'busybox', 'unshare'].every((name) => findProgram(name) !== undefined)

const workshops: Workshop[] = []
const containers: { id: string; machine: Machine; bundle: string }[] = []

afterEach(async () => {
  for (const { id, machine, bundle } of containers.splice(0)) {
    await deleteContainer(machine.runtime(), id, { progress: () => {} })
    rmSync(bundle, { recursive: true, force: true })
  }
  for (const { machine, store } of workshops.splice(0)) {
    await machine[Symbol.asyncDispose]()
    rmSync(store.layout.runtime, { recursive: true, force: true })
  }
})

/** A job that keeps what it hears. */
export interface HearingJob extends Job {
  readonly events: ProgressEvent[]
  /** What was written to a stream, as text. */
  said(stream: 'stdout' | 'stderr'): string
}

/** A job for a step; `signal` stops it. */
export function hearingJob(signal?: AbortSignal): HearingJob {
  const events: ProgressEvent[] = []
  return {
    events,
    progress: (event) => void events.push(event),
    said: (stream) =>
      events
        .flatMap((event) => (event.type === 'log' && event.stream === stream ? [asBuffer(event.chunk)] : []))
        .join(''),
    ...(signal ? { signal } : {}),
  }
}

/** A store with a layer of busybox and a few accounts, and the machine over it. */
export interface Workshop {
  store: TestStore
  machine: Machine
  busybox: Digest
}

/** Opens a workshop; `processes` as for `openMachine`. */
export async function openWorkshop(options: { processes: boolean; inside?: string }): Promise<Workshop> {
  const store = temporaryStore(options.inside)
  const busybox = busyboxLayer(store)
  const machine = await openMachine(store, options, { progress: () => {} })
  const workshop = { store, machine, busybox }
  workshops.push(workshop)
  return workshop
}

const ATTRIBUTES = { uid: 0, gid: 0, mtime: { seconds: 1_600_000_000, nanoseconds: 0 } }

/** A layer of busybox with all its applets and a few accounts. */
export function busyboxLayer(store: TestStore): Digest {
  const files = store.layers.temporary(store.testLease)
  const writer = createLayerWriter(files)
  for (const folder of ['bin', 'dev', 'etc', 'home', 'proc', 'sys', 'tmp'])
    writer.directory(toByteString(folder), { ...ATTRIBUTES, mode: folder === 'tmp' ? 0o1777 : 0o755 })
  const text = (name: string, content: string): void =>
    writer.file(toByteString(name), { ...ATTRIBUTES, mode: 0o644 }, { bytes: Buffer.from(content) })
  text('etc/passwd', 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/home:/bin/sh\n')
  text('etc/group', 'root:x:0:\nwww:x:34:\nvideo:x:44:web\n')
  text('etc/not-a-program', 'text\n')
  const busybox = toByteString('bin/busybox')
  writer.file(busybox, { ...ATTRIBUTES, mode: 0o755 }, { hostPath: findProgram('busybox')! })
  const applets = execFileSync(findProgram('busybox')!, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const applet of applets) if (applet !== 'busybox') writer.hardlink(toByteString(`bin/${applet}`), busybox)
  writer.file(
    toByteString('bin/no-format'),
    { ...ATTRIBUTES, mode: 0o755 },
    { bytes: Buffer.from('neither ELF nor script') },
  )
  return store.layers.adopt(files, writer.finish(), store.testLease).diffId
}

/** A process of busybox, root, without a network; `changes` say what is different. */
export function processOf(changes: Partial<Omit<ContainerProcess, 'user'>>): Omit<ContainerProcess, 'user'> {
  return {
    args: ['sh'],
    env: ['PATH=/bin'],
    cwd: '/',
    hostname: 'box',
    terminal: false,
    network: 'none',
    mounts: [],
    ...changes,
  }
}

let count = 0

/** Runs a process to its end, as a build does: exit code and output. */
export async function runStep(
  { store, machine, busybox }: Workshop,
  process: Partial<Omit<ContainerProcess, 'user'>>,
  options: { user?: string; job?: HearingJob; runtime?: string } = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const { user = '', job = hearingJob() } = options
  const id = `unit-${globalThis.process.pid}-${++count}`
  const folder = path.join(store.layout.runtime, id)
  const runtime = { ...machine.runtime(), ...(options.runtime ? { program: options.runtime } : {}) }
  const layers = path.join(store.layout.runtime, 'layers')
  const mounts = await machine.snapshotter.prepare(id, [{ diffId: busybox }], layers, job)
  try {
    const request = { id, task: 't', runtime, mounts, folder, user, process: processOf(process) }
    const { exitCode } = await machine.keeper.call('runStep', request, job)
    return { exitCode, stdout: job.said('stdout'), stderr: job.said('stderr') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A container under its monitor. */
export interface Monitored {
  id: string
  paths: MonitorPaths
  pid: number
  attachment: Attachment
  /** All that was written, as it came. */
  output: Promise<{ stream: 'stdout' | 'stderr'; chunk: Buffer }[]>
  /** Waits for the exit code that the monitor writes. */
  exitCode(): Promise<number>
  kill(signal: number): Promise<void>
}

/** Creates a container under conmon, attaches and starts it. It is removed at the end of the test. */
export async function startMonitored(
  workshop: Workshop,
  process: Partial<Omit<ContainerProcess, 'user'>>,
  options: Partial<Pick<StartRequest, 'openStdin' | 'onExit' | 'user'>> & { attached?: boolean } = {},
): Promise<Monitored> {
  const { store, machine, busybox } = workshop
  const { openStdin = false, onExit = [], user = '', attached = true } = options
  const job = hearingJob()
  const id = store.containers.newId()
  const bundle = path.join(store.layout.runtime, 'c', id.slice(0, 12))
  const folder = path.join(store.layout.containers, id)
  const paths = { bundle, exits: path.join(folder, 'exit'), log: path.join(folder, 'output.log') }
  containers.push({ id, machine, bundle })
  const mounts = await machine.snapshotter.prepare(id, [{ diffId: busybox }], path.join(bundle, 'layers'), job)
  const runtime = machine.runtime()
  const request = { id, runtime, mounts, user, process: processOf(process), openStdin, onExit, paths }
  const { pid } = await machine.keeper.call('create', request, job)
  const attachment = attach(bundle)
  const output = attached ? collectOutput(attachment) : Promise.resolve([])
  await startContainer(runtime, id, job)
  return {
    id,
    paths,
    pid,
    attachment,
    output,
    exitCode: () => waitForFile(path.join(paths.exits, id)).then(Number),
    kill: (signal) => killContainer(runtime, id, signal, job),
  }
}

async function collectOutput(attachment: Attachment): Promise<{ stream: 'stdout' | 'stderr'; chunk: Buffer }[]> {
  const all: { stream: 'stdout' | 'stderr'; chunk: Buffer }[] = []
  for await (const part of attachment.output()) all.push({ stream: part.stream, chunk: Buffer.from(part.chunk) })
  return all
}

async function waitForFile(file: string): Promise<string> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(10)) {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      // not there yet
    }
  }
  throw new Error(`${file} did not appear`)
}

/** What one stream got, as bytes. */
export function bytesFrom(parts: readonly { stream: string; chunk: Buffer }[], stream: 'stdout' | 'stderr'): Buffer {
  return Buffer.concat(parts.flatMap((part) => (part.stream === stream ? [part.chunk] : [])))
}
