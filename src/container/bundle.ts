import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { toByteString } from '../core/index.ts'
import { readInRoot } from '../host/index.ts'
import { checkArguments } from './exec-limits.ts'
import { checkProgram } from './foreign.ts'
import type { Runtime } from './runtime.ts'
import { type ContainerProcess, runtimeSpec } from './spec.ts'
import { ACCOUNT_FILE_LIMIT, homeOf, resolveUser } from './user.ts'

/** What an OCI bundle is made from; the user is still as people write it. */
export interface BundleRequest {
  /** Names the container's cgroup. */
  id: string
  runtime: Runtime
  /** `name`, `uid`, `name:group` ...; looked up in the account files of the mounted root. */
  user: string
  process: Omit<ContainerProcess, 'user'>
}

/** Writes the bundle's `config.json` for a root file system that is mounted already. */
export function writeBundle(folder: string, rootfs: string, request: BundleRequest): void {
  checkArguments(request.process)
  checkProgram(rootfs, request.process, request.runtime.emulators)
  const account = (file: string): Buffer | undefined => readInRoot(rootfs, toByteString(file), ACCOUNT_FILE_LIMIT)
  const accounts = { passwd: account('etc/passwd'), group: account('etc/group') }
  const user = resolveUser(request.user, accounts)
  const hasHome = request.process.env.some((pair) => pair.startsWith('HOME='))
  const env = hasHome ? request.process.env : [...request.process.env, `HOME=${homeOf(user.uid, accounts)}`]
  const spec = runtimeSpec({ ...request.process, env, user }, rootfs, `${request.runtime.cgroup}/${request.id}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...spec, ...filterAnnotation(request) }))
}

/** The filter that the spec describes, as crun takes it without compiling it again (crun(1), OCI RUNTIME ANNOTATIONS). */
function filterAnnotation({ runtime, process }: BundleRequest): { annotations?: Record<string, string> } {
  if (!runtime.seccompFilter || process.privileged) return {}
  return { annotations: { 'run.oci.seccomp_bpf_data': runtime.seccompFilter } }
}
