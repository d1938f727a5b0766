import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  type ContainerMount,
  hostsFile,
  type Machine,
  resolvConfFile,
  type StepRequest,
} from '../../container/index.ts'
import { fail, hasCode, type Job, quoteGo, type SlipwayError, type SourceSpan } from '../../core/index.ts'
import { commitBehind } from '../commit-behind.ts'
import { HOST_CA_PATH, hostCaEnv } from '../host-ca.ts'
import type { BuildSession } from '../session.ts'
import type { OpRunner } from '../solver.ts'
import { baseLayers, contentKey, type LayerRef, stackOf } from '../values.ts'

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
  /** What the process may use although its result must not depend on it: not part of the key, nor of the image. */
  unkeyed: {
    proxyEnv: readonly string[]
    /** A file of certificate authorities on this machine that the step is told to trust. */
    hostCa: string | null
  }
}

/** Runs the process over the mounted layers; what it changed becomes a layer while the next step may already run. */
export function runRunner(session: BuildSession): OpRunner<RunOp> {
  return {
    kind: 'run',
    operation: ({ unkeyed: _, extraHosts, ...op }) => ({
      ...op,
      // an address says something about the machine, a name about the build
      extraHosts: extraHosts.map((host) => host.slice(0, host.indexOf('='))),
    }),
    content: async (_op, inputs) => ({ base: await contentKey(baseLayers(inputs)) }),
    async run(op, inputs, { id, vertex }, job) {
      const base = baseLayers(inputs)
      const machine = await session.machine(job)
      const key = session.newKey()
      const from = Date.now()
      await runStep(session, machine, { op, key, base, task: id, span: vertex.span }, job)
      const layer = commitBehind(session, machine, { key, base, ran: { from, to: Date.now() } }, job)
      return { kind: 'layers', layers: [...base, layer] }
    },
  }
}

interface Step {
  op: RunOp
  key: string
  base: readonly LayerRef[]
  task: string
  span: SourceSpan | undefined
}

async function runStep(session: BuildSession, machine: Machine, step: Step, job: Job): Promise<void> {
  const { op, key, base, task } = step
  const { parts, release } = await stackOf(base)
  try {
    const mounts = await machine.snapshotter.prepare(key, parts, path.join(session.mountFolder, 'layers'), job)
    const request: StepRequest = {
      id: key,
      task,
      runtime: machine.runtime(),
      mounts: mounts.map((mount) => (mount.target ? mount : { ...mount, options: [...mount.options, 'volatile'] })),
      folder: path.join(session.mountFolder, key),
      user: op.user,
      process: processOf(op, writeMachineFiles(op, path.join(session.mountFolder, `${key}-files`))),
    }
    const { exitCode } = await machine.keeper.call('runStep', request, job)
    if (exitCode !== 0) throw runFailed(step, exitCode)
  } catch (error) {
    if (hasCode(error, 'RUNTIME_FAILED', 'USER_UNKNOWN', 'USER_INVALID')) throw runFailed(step, error)
    throw error
  } finally {
    release()
  }
}

function processOf(op: RunOp, mounts: ContainerMount[]): StepRequest['process'] {
  return {
    args: op.args,
    env: [...op.env, ...op.unkeyed.proxyEnv, ...(op.unkeyed.hostCa ? hostCaEnv(op.env) : [])],
    cwd: op.cwd,
    hostname: op.hostname,
    terminal: false,
    network: op.network === 'none' ? 'none' : 'host',
    mounts,
    ...(op.shmSize === null ? {} : { shmSize: op.shmSize }),
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

/** BuildKit's words, which people search for. */
function runFailed({ op, span }: Step, why: number | SlipwayError): Error {
  const [exitCode, problem] =
    typeof why === 'number' ? [why, `exit code: ${why}`] : [Number(why.data['exitCode'] ?? 1), why.message]
  const message = `process ${quoteGo(op.args.join(' '))} did not complete successfully: ${problem}`
  return fail('RUN_FAILED', message, { ...(span ? { span } : {}), data: { exitCode }, cause: why })
}
