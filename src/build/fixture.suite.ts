import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach } from 'vitest'
import { busyboxLayer, type HearingJob, hearingJob } from '../container/fixture.suite.ts'
import { type Digest, digestOf, fail, SlipwayError } from '../core/index.ts'
import { parseDockerfile } from '../dockerfile/index.ts'
import type { FileTree } from '../layer/index.ts'
import { type ContainerConfig, hostPlatform, type ImageConfig } from '../oci/index.ts'
import type { TestStore } from '../store/fixture.suite.ts'
import type { LayerRecord } from '../store/index.ts'
import { FileDigests } from './files/file-digests.ts'
import { FolderSource, type PathFilter } from './files/folder-source.ts'
import { createRunners } from './ops/index.ts'
import type { PlanOptions, PlanSources } from './plan/context.ts'
import { planBuild } from './plan/plan.ts'
import type { StageState } from './plan/stage-state.ts'
import { BuildSession, type Lent } from './session.ts'
import { createSolver, type Outcome } from './solver.ts'
import { diffIdsOf } from './values.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A file of a test's context: its text, or a folder (name with a slash at the end), a link, a text with a mode. */
export type ContextFile = string | { symlink: string } | { text: string; mode: number }

/** A folder with these files, gone after the test. */
export function contextFolder(files: Readonly<Record<string, ContextFile>> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-build-'))
  folders.push(folder)
  for (const [name, file] of Object.entries(files)) writeContextFile(path.join(folder, name), file)
  return folder
}

function writeContextFile(at: string, file: ContextFile): void {
  mkdirSync(at.endsWith('/') ? at : path.dirname(at), { recursive: true })
  if (at.endsWith('/')) return
  if (typeof file === 'object' && 'symlink' in file) symlinkSync(file.symlink, at)
  else {
    const { text, mode } = typeof file === 'string' ? { text: file, mode: 0o644 } : file
    writeFileSync(at, text)
    chmodSync(at, mode)
  }
}

/** The options of a build with nothing special about it, and these changes. */
export function planOptions(changes: Partial<PlanOptions> = {}): PlanOptions {
  const platform = { os: 'linux', architecture: 'amd64' }
  return {
    buildArgs: {},
    labels: {},
    platform,
    buildPlatform: platform,
    namesPlatform: false,
    noCache: false,
    noCacheFilter: [],
    network: 'default',
    extraHosts: [],
    ...changes,
  }
}

/** A base image of a test. */
export interface TestBase {
  config?: ContainerConfig
  /** Fields beside the container config. */
  about?: Partial<ImageConfig>
  layers?: readonly LayerRecord[]
}

/** What a stage can start from, by the name that stands in the Dockerfile. */
export type TestBases = Readonly<Record<string, TestBase>>

/** Finds bases among those of the test; hears which names were asked for. */
export function planSources(bases: TestBases, asked: string[] = []): PlanSources {
  return {
    async image(reference, platform, span) {
      asked.push(reference)
      const base = bases[reference]
      if (!base) throw fail('IMAGE_NOT_FOUND', `${reference}: not found`, { span })
      const { config = {}, about = {}, layers = [] } = base
      const rootfs = { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) } as const
      const { os, architecture } = platform
      const name = `docker.io/library/${reference}`
      return { name, manifest: digestOf(name), layers, config: { os, architecture, config, rootfs, ...about } }
    },
  }
}

/** Plans a Dockerfile. `bases` has an empty `base` when nothing is said. */
export function planText(
  text: string,
  { bases = { base: {} }, asked, ...options }: Partial<PlanOptions> & { bases?: TestBases; asked?: string[] } = {},
): Promise<StageState> {
  return planBuild(parseDockerfile({ name: 'Dockerfile', text }), planOptions(options), planSources(bases, asked))
}

/** What an error says, with its line: `3: message`. Fails when there is none. */
export async function errorOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SlipwayError)) throw new Error(`expected a SlipwayError, got ${String(error)}`)
  return `${error.span?.line ?? ''}: ${error.message}`
}

/** A build without its export: the file system, and how each step ended. */
export interface Solved {
  stage: StageState
  tree: FileTree
  diffIds: Digest[]
  outcomes: Record<string, Outcome['result']>
  job: HearingJob
}

/** What a solved build may be given. */
export interface SolveOptions extends Partial<PlanOptions>, Lent {
  bases?: TestBases
  context?: string
  filter?: PathFilter
  job?: HearingJob
}

/** Plans and solves a Dockerfile over a store, all parts being the real ones. */
export async function solveText(store: TestStore, text: string, options: SolveOptions = {}): Promise<Solved> {
  const {
    bases = { base: {} },
    context = contextFolder(),
    filter,
    job = hearingJob(),
    secrets = {},
    agents = {},
    ...changes
  } = options
  const planned = planBuild(
    parseDockerfile({ name: 'Dockerfile', text }),
    planOptions({ platform: hostPlatform(), ...changes }),
    planSources(bases),
  )
  const stage = await planned
  await using session = new BuildSession(store, store.testLease, { secrets, agents })
  const digests = new FileDigests(store.memos, context)
  const files = new FolderSource(context, { digests, where: 'in the build context', ...(filter ? { filter } : {}) })
  const runners = createRunners(session, new Map([['context', files]]))
  const solver = createSolver(runners, store, { now: Date.now, lease: store.testLease }, job)
  try {
    const value = await solver.solve(stage.vertex)
    await solver.settle()
    digests.save()
    const diffIds = value.kind === 'layers' ? await diffIdsOf(value.layers) : []
    const steps = stage.steps.flatMap(({ createdBy, vertex }) => (vertex ? [{ createdBy, vertex }] : []))
    const outcomes = Object.fromEntries(
      steps.map(({ createdBy, vertex }) => [createdBy, solver.outcome(vertex)!.result]),
    )
    return { stage, diffIds, outcomes, job, tree: await store.layers.tree(diffIds) }
  } finally {
    await solver.settle().catch(() => {})
  }
}

/** A base image of busybox with a few accounts, in a store. */
export function busyboxBase(store: TestStore): TestBase {
  return { config: { Env: ['PATH=/bin'] }, layers: [store.layers.get(busyboxLayer(store))!] }
}

const LARGE = 1 << 16

/** The files of a tree: path to text, or size; folders end with a slash, links show where they point. */
export function listFiles(tree: FileTree): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { path: name, kind, link, size } of tree.walk()) {
    if (kind === 'directory') found[`${name}/`] = ''
    else if (kind === 'file') found[name] = size > LARGE ? `${size} bytes` : tree.readFile(name, LARGE)!.toString()
    else found[name] = kind === 'symlink' ? `-> ${link}` : kind
  }
  return found
}

/** A digest to stand for something. */
export const digestFor = (text: string): Digest => digestOf(Buffer.from(text))
