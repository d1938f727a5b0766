import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  type ContainerMount,
  hostsFile,
  type Machine,
  type Resources,
  resolvConfFile,
  type StepRequest,
  type Ulimit,
} from '../../container/index.ts'
import { digestOf, fail, hasCode, type Job, quoteGo, type SlipwayError } from '../../core/index.ts'
import { removeCgroup } from '../../host/index.ts'
import type { Vertex } from '../graph.ts'
import { HOST_CA_PATH, hostCaEnv } from '../host-ca.ts'
import { commitBehind } from '../layers/commit-behind.ts'
import { contentOfMounts, keyedMount } from '../mounts/key.ts'
import { maskingJob } from '../mounts/mask.ts'
import type { RunMount } from '../mounts/mount.ts'
import { prepareMounts } from '../mounts/prepare.ts'
import type { OpRunner } from '../runner.ts'
import type { BuildSession } from '../session.ts'
import { baseLayers, contentKey, diffIdsOf, type LayerRef, type LocalValue, localValues, stackOf } from '../values.ts'

/** RUN: a process in the file system that the first input is. */
export interface RunOp {
  kind: 'run'
  args: readonly string[]
  /** A program that is written in the Dockerfile itself; it appears as `/dev/pipes/NAME`. */
  script: { name: string; text: string } | null
  /** `NAME=value`, as the process sees it. */
  env: readonly string[]
  cwd: string
  /** `USER` as it stands, empty for root. */
  user: string
  network: 'default' | 'none' | 'host'
  hostname: string
  /** `name=address`, for /etc/hosts. */
  extraHosts: readonly string[]
  /** Bytes of /dev/shm, null for the default. */
  shmSize: number | null
  /** `insecure` lets it do everything that a process of this machine may do. */
  security: 'sandbox' | 'insecure'
  ulimits: readonly Ulimit[]
  /** What it sees beside its file system; `input` counts the vertex's inputs. */
  mounts: readonly RunMount[]
  /** What the process may use although its result must not depend on it: not part of the key, nor of the image. */
  unkeyed: {
    proxyEnv: readonly string[]
    /** A file of certificate authorities on this machine that the step is told to trust. */
    hostCa: string | null
    resources: Resources
    /** Control group above that of the step, null for the store's. */
    cgroupParent: string | null
    /** Variables of `env` that are build arguments. */
    args: readonly string[]
  }
}

/** Runs the process over the mounted layers; what it changed becomes a layer while the next step may already run. */
export function runRunner(session: BuildSession): OpRunner<RunOp> {
  return {
    kind: 'run',
    operation: ({ unkeyed: _, extraHosts, mounts, ulimits, security, ...op }) => ({
      ...op,
      ...(security === 'sandbox' ? {} : { security }),
      ...(ulimits.length === 0 ? {} : { ulimits: ulimits.map((limit) => ({ ...limit })) }),
      ...(mounts.length === 0 ? {} : { mounts: mounts.map(keyedMount) }),
      // an address says something about the machine, a name about the build
      extraHosts: extraHosts.map((host) => host.slice(0, host.indexOf('='))),
    }),
    async content(op, inputs, job) {
      const base = await contentKey(baseLayers(inputs))
      const mounts = await contentOfMounts(session, op.mounts, localValues(inputs), job)
      return mounts.length === 0 ? { base } : { base, mounts }
    },
    remembered: (content) => session.fileLists.keep(content),
    async run(op, inputs, { id, vertex }, job) {
      const base = baseLayers(inputs)
      const machine = await session.machine(job)
      const key = session.newKey()
      const from = Date.now()
      const step: Step = { op, key, base, inputs: localValues(inputs), task: id, vertex }
      try {
        await runStep(session, machine, step, job)
      } catch (error) {
        await keepFailed(session, machine, { step, from, error }, job)
        throw error
      }
      const layer = commitBehind(session, machine, { key, base, ran: { from, to: Date.now() } }, job)
      return { kind: 'layers', layers: [...base, layer] }
    },
  }
}

/**
 * What a command that failed has written until then is kept as a layer, like the result of a step, so that one can look
 * around in it. The error says which layers these are, and of which vertex.
 */
async function keepFailed(
  session: BuildSession,
  machine: Machine,
  { step, from, error }: { step: Step; from: number; error: unknown },
  job: Job,
): Promise<void> {
  const { key, base, vertex } = step
  if (!hasCode(error, 'RUN_FAILED')) return
  try {
    const ran = { from, to: Date.now() }
    const { diffId } = await commitBehind(session, machine, { key, base, ran }, job).committed
    const diffIds = [...(await diffIdsOf(base)), diffId]
    const document = { operation: { kind: 'failed', step: vertex.id }, content: { layers: diffIds } }
    const about = { label: vertex.label, kind: 'failed', createdAt: from, endedAt: ran.to }
    const [stepKey, opKey] = [document, document.operation].map((part) => digestOf(JSON.stringify(part)))
    session.store.steps.save({ key: stepKey!, opKey: opKey!, document, diffIds: [diffId], ...about })
    Object.assign(error.data, { vertex: vertex.id, diffIds })
  } catch {
    // a full disk, say: why the step failed matters more
  }
}

interface Step {
  op: RunOp
  key: string
  base: readonly LayerRef[]
  inputs: readonly LocalValue[]
  task: string
  vertex: Vertex
}

async function runStep(session: BuildSession, machine: Machine, step: Step, job: Job): Promise<void> {
  const { op, key, base, task, inputs, vertex } = step
  const { parts, release } = await stackOf(base)
  try {
    await using prepared = await prepareMounts(
      session,
      machine,
      { key, mounts: op.mounts, inputs, noCache: vertex.ignoreCache ?? false },
      job,
    )
    const mounts = await machine.snapshotter.prepare(key, parts, path.join(session.mountFolder, 'layers'), job)
    const { cgroupParent } = op.unkeyed
    const runtime = machine.runtime()
    const request: StepRequest = {
      id: key,
      task,
      runtime: cgroupParent === null ? runtime : { ...runtime, cgroup: cgroupParent },
      mounts: mounts.map((mount) => (mount.target ? mount : { ...mount, options: [...mount.options, 'volatile'] })),
      folder: path.join(session.mountFolder, key),
      user: op.user,
      process: processOf(op, prepared.env, writeMachineFiles(op, path.join(session.mountFolder, `${key}-files`))),
      sources: prepared.mounts,
      secret: prepared.hasSecretEnv,
    }
    using masked = maskingJob(prepared.secrets, task, job)
    const { exitCode } = await machine.keeper.call('runStep', request, masked.job)
    if (exitCode !== 0) throw runFailed(step, exitCode)
  } catch (error) {
    if (hasCode(error, 'RUNTIME_FAILED') && typeof error.data['missing'] === 'string') throw sourceMissing(error)
    if (hasCode(error, 'RUNTIME_FAILED', 'USER_UNKNOWN', 'USER_INVALID')) throw runFailed(step, error)
    throw error
  } finally {
    release()
    // a keeper that was killed had no time for it
    if (op.unkeyed.cgroupParent !== null) removeCgroup(path.join(op.unkeyed.cgroupParent, key))
  }
}

function processOf(op: RunOp, mountEnv: readonly string[], mounts: ContainerMount[]): StepRequest['process'] {
  const { proxyEnv, hostCa, resources } = op.unkeyed
  const names = new Set(mountEnv.map((pair) => pair.slice(0, pair.indexOf('='))))
  const own = op.env.filter((pair) => !names.has(pair.slice(0, pair.indexOf('='))))
  return {
    args: op.args,
    env: [...own, ...proxyEnv, ...(hostCa ? hostCaEnv(op.env) : []), ...mountEnv],
    cwd: op.cwd,
    hostname: op.hostname,
    terminal: false,
    network: op.network === 'none' ? 'none' : 'host',
    mounts,
    resources,
    ...(op.shmSize === null ? {} : { shmSize: op.shmSize }),
    ...(op.security === 'insecure' ? { privileged: true } : {}),
    ...(op.ulimits.length === 0 ? {} : { ulimits: op.ulimits }),
  }
}

/** Files of this machine that appear inside for the time of the step; they are mounted, so no layer gets them. */
function writeMachineFiles(op: RunOp, folder: string): ContainerMount[] {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const file = (target: string, text: string, mode = 0o644): ContainerMount => {
    const source = path.join(folder, String(mounts.length))
    writeFileSync(source, text, { mode })
    return { type: 'bind', source, target, readonly: true }
  }
  const mounts: ContainerMount[] = []
  const network = op.network === 'none' ? 'none' : 'host'
  mounts.push(file('/etc/hosts', hostsFile(op.hostname, op.extraHosts)))
  mounts.push(file('/etc/resolv.conf', resolvConfFile(network)))
  if (op.script) mounts.push(file(`/dev/pipes/${path.basename(op.script.name)}`, op.script.text, 0o755))
  const { hostCa } = op.unkeyed
  if (hostCa) mounts.push({ type: 'bind', source: hostCa, target: HOST_CA_PATH, readonly: true })
  return mounts
}

/** A bind mount of what a stage or image does not have; it is the same mistake as with COPY. */
function sourceMissing({ data }: SlipwayError): Error {
  const place = String(data['missing'])
  const message = `failed to compute cache key: failed to calculate checksum of ref: "${place}": not found in the stage`
  return fail('COPY_SOURCE_MISSING', message, { data: { path: place } })
}

/** BuildKit's words, which people search for. */
function runFailed({ op, vertex: { span } }: Step, why: number | SlipwayError): Error {
  const [exitCode, problem] =
    typeof why === 'number' ? [why, `exit code: ${why}`] : [Number(why.data['exitCode'] ?? 1), why.message]
  const message = `process ${quoteGo(op.args.join(' '))} did not complete successfully: ${problem}`
  return fail('RUN_FAILED', message, { ...(span ? { span } : {}), data: { exitCode }, cause: why })
}
