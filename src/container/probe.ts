import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { digestOf, fail, type Job, messageOf, toByteString } from '../core/index.ts'
import { bindMount, findProgram, mount, unmount } from '../host/index.ts'
import { createLayerWriter } from '../layer/index.ts'
import { DEFAULT_CAPABILITIES } from './capabilities.ts'
import { globalArgs, type Runtime, runBundle } from './runtime.ts'
import { seccompProfile } from './seccomp.ts'
import { runtimeSpec } from './spec.ts'

/** What this machine can do, found out by trying. */
export interface MachineFacts {
  /** Layers can be mounted from their index without unpacking; else why not. */
  erofs: { works: boolean; reason?: string }
  /** The first OCI runtime that ran a process, crun before runc; absolute path. */
  runtime?: string
  /** The containers' seccomp filter, compiled (base64), when the runtime takes such a one. */
  seccompFilter?: string
  /** Why the runtimes that were found did not work. */
  runtimeProblems: string[]
}

/** Where to try. */
export interface ProbeRequest {
  /** A folder of the store's, which is made and removed. */
  folder: string
  /** For names of containers. */
  id: string
  /** Control group above theirs. */
  cgroup: string
}

/** Tries an EROFS mount and the OCI runtimes. Leaves nothing behind. */
export async function probeMachine(request: ProbeRequest, job: Job): Promise<MachineFacts> {
  mkdirSync(request.folder, { recursive: true, mode: 0o700 })
  try {
    return { erofs: probeErofs(request.folder), ...(await probeRuntimes(request, job)) }
  } finally {
    rmSync(request.folder, { recursive: true, force: true })
  }
}

function probeErofs(folder: string): MachineFacts['erofs'] {
  const [major = 0, minor = 0, patch = 0] = os.release().split(/[.-]/).map(Number)
  const version = major * 1e6 + minor * 1e3 + patch
  // 6.12.0 and 6.12.1 panic on such a mount (CVE-2024-56750): they are left out before anything is tried
  if (version < 6_012_002) return { works: false, reason: `Linux ${os.release()} is older than 6.12.2` }
  try {
    return { works: mountsAndReads(folder) }
  } catch (error) {
    return { works: false, reason: messageOf(error) }
  }
}

function mountsAndReads(folder: string): boolean {
  const files = { tar: path.join(folder, 'probe.tar'), index: path.join(folder, 'probe.erofs') }
  const writer = createLayerWriter(files)
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
  writer.file(toByteString('probe'), attributes, { bytes: Buffer.from('works') })
  writer.finish()
  const target = path.join(folder, 'mnt')
  mkdirSync(target)
  mount({ type: 'erofs', source: files.index, options: ['ro', `device=${files.tar}`] }, target)
  try {
    return readFileSync(path.join(target, 'probe'), 'utf8') === 'works'
  } finally {
    unmount(target, { detach: true })
  }
}

async function probeRuntimes(request: ProbeRequest, job: Job): Promise<Omit<MachineFacts, 'erofs'>> {
  const { folder, id, cgroup } = request
  const runtimeProblems: string[] = []
  for (const [at, name] of ['crun', 'runc'].entries()) {
    const program = findProgram(name)
    if (!program) continue
    try {
      const place = { folder: path.join(folder, name), id: `${id}-${at}`, cgroup }
      return { runtime: program, runtimeProblems, ...(await tryRuntime(program, place, job)) }
    } catch (error) {
      runtimeProblems.push(`${program}: ${messageOf(error)}`)
    }
  }
  return { runtimeProblems }
}

/** Runs `true` in a container whose root is the host's own, read-only. Fails when that does not work. */
async function tryRuntime(
  program: string,
  { folder, id, cgroup }: ProbeRequest,
  job: Job,
): Promise<Pick<MachineFacts, 'seccompFilter'>> {
  const runtime = { program, stateFolder: path.join(folder, 'state'), cgroup }
  const rootfs = path.join(folder, 'rootfs')
  mkdirSync(rootfs, { recursive: true })
  bindMount('/', rootfs)
  try {
    const args = [findProgram('true') ?? '/bin/true']
    const plain = { env: [], cwd: '/', hostname: 'probe', terminal: false, mounts: [], network: 'none' as const }
    const user = { uid: 0, gid: 0, additionalGids: [] }
    const spec = runtimeSpec({ args, user, readonlyRootfs: true, ...plain }, rootfs, `${cgroup}/${id}`)
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify(spec))
    const said: Buffer[] = []
    const output = { stdout: () => {}, stderr: (chunk: Buffer) => void said.push(chunk) }
    const exitCode = await runBundle(runtime, { id, bundle: folder, program: args[0]! }, output, job)
    if (exitCode !== 0) throw fail('RUNTIME_FAILED', `exit code ${exitCode}: ${Buffer.concat(said).toString().trim()}`)
    const seccompFilter = compiledFilter(runtime, id, folder)
    return seccompFilter ? { seccompFilter } : {}
  } finally {
    unmount(rootfs, { detach: true })
  }
}

/**
 * The filter as crun compiles it for a bundle. It does so for each container, which is half of the work of starting one,
 * unless it is given the result.
 */
function compiledFilter(runtime: Runtime, id: string, bundle: string): string | undefined {
  if (path.basename(runtime.program) !== 'crun') return undefined
  const call = (...args: string[]): void =>
    void spawnSync(runtime.program, [...globalArgs(runtime), ...args], { stdio: 'ignore' })
  call('create', '--bundle', bundle, id)
  try {
    return readFileSync(path.join(runtime.stateFolder, id, 'seccomp.bpf')).toString('base64')
  } catch {
    return undefined // a crun that keeps it elsewhere
  } finally {
    call('delete', '--force', id)
  }
}

/**
 * Something that changes when programs are installed or replaced, or the filter is another: part of the key under which
 * facts are remembered.
 */
export function runtimesFingerprint(): string {
  const of = (name: string): string => {
    const program = findProgram(name)
    return program ? `${program}:${statSync(program).mtimeMs}` : `${name}:-`
  }
  const filter = digestOf(JSON.stringify(seccompProfile(DEFAULT_CAPABILITIES)))
  return [...['crun', 'runc'].map(of), filter].join(' ')
}
