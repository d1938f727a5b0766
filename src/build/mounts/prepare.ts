import path from 'node:path'
import type { Machine, StepMount } from '../../container/index.ts'
import { fail, type Job } from '../../core/index.ts'
import type { BuildSession } from '../session.ts'
import type { LocalValue } from '../values.ts'
import { prepareBind } from './bind.ts'
import { type CachePlace, cacheIdentity, fillCache } from './cache.ts'
import type { CacheMount, RunMount, SecretMount, SshMount } from './mount.ts'
import { readSecret } from './secret.ts'
import { openAgentSocket } from './ssh.ts'

/** Everything of a step's mounts that is made ready outside of the keeper. Disposing gives it back. */
export interface PreparedMounts extends AsyncDisposable {
  readonly mounts: readonly StepMount[]
  /** `NAME=value` beside the step's own environment. */
  readonly env: readonly string[]
  /** Values that must not be seen. */
  readonly secrets: readonly Uint8Array[]
  /** Whether a secret is in the environment. */
  readonly hasSecretEnv: boolean
}

/** A step whose mounts are made ready. */
export interface MountingStep {
  /** Names what belongs to the step. */
  key: string
  mounts: readonly RunMount[]
  inputs: readonly LocalValue[]
  /** Nothing of an earlier build counts. */
  noCache: boolean
}

/** Reads secrets, opens sockets, waits for caches and makes sources mountable. Fails with `SECRET_MISSING` and the like. */
export async function prepareMounts(
  session: BuildSession,
  machine: Machine,
  step: MountingStep,
  job: Job,
): Promise<PreparedMounts> {
  await using cleanup = new AsyncDisposableStack()
  const caches = await takeCaches(session, step, cleanup, job)
  const mounts: StepMount[] = []
  const env: string[] = []
  const secrets: Uint8Array[] = []
  let hasSecretEnv = false
  for (const mount of step.mounts) {
    switch (mount.type) {
      case 'tmpfs': {
        const { target, readonly, size } = mount
        mounts.push({ kind: 'tmpfs', target, readonly, ...(size === null ? {} : { size }) })
        break
      }
      case 'bind':
        mounts.push(
          await prepareBind({ session, machine, key: step.key, cleanup }, mount, step.inputs[mount.input]!, job),
        )
        break
      case 'cache':
        mounts.push(cacheMount(mount, caches.get(cacheKey(mount))!))
        break
      case 'secret': {
        const content = secretOf(session, mount)
        if (!content) break
        secrets.push(content)
        if (mount.env !== null) env.push(`${mount.env}=${content.toString('utf8')}`)
        hasSecretEnv ||= mount.env !== null
        if (mount.target !== null) mounts.push(secretFile(mount, mount.target, content))
        break
      }
      case 'ssh': {
        if (!env.some((pair) => pair.startsWith('SSH_AUTH_SOCK='))) env.push(`SSH_AUTH_SOCK=${mount.target}`)
        const socket = await agentOf(session, mount, `${step.key}-${mounts.length}`, cleanup)
        if (socket) mounts.push({ kind: 'socket', source: socket, target: mount.target, readonly: false })
        break
      }
    }
  }
  const kept = cleanup.move()
  return { mounts, env, secrets, hasSecretEnv, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

function secretFile(mount: SecretMount, target: string, content: Uint8Array): StepMount {
  const { mode, uid, gid } = mount
  return { kind: 'secret', target, content, mode, uid, gid, readonly: true }
}

function secretOf(session: BuildSession, { id, required }: SecretMount): Buffer | undefined {
  const content = readSecret(session.secrets, id)
  if (!content && required) {
    throw fail('SECRET_MISSING', `secret ${id}: not found`, { hint: `give it with --secret id=${id},src=FILE` })
  }
  return content
}

async function agentOf(
  session: BuildSession,
  mount: SshMount,
  name: string,
  cleanup: AsyncDisposableStack,
): Promise<string | undefined> {
  const agent = session.agents[mount.id]
  if (agent) return cleanup.use(await openAgentSocket(agent, path.join(session.mountFolder, `${name}.ssh`), mount)).path
  if (!mount.required) return undefined
  throw fail('SECRET_MISSING', `unset ssh forward key ${mount.id}`, { hint: `give it with --ssh ${mount.id}` })
}

/** In the order of their keys, so that two steps which want the same ones never wait for one another; each only once. */
async function takeCaches(
  session: BuildSession,
  step: MountingStep,
  cleanup: AsyncDisposableStack,
  job: Job,
): Promise<Map<string, string>> {
  const wanted = new Map<string, CachePlace>()
  for (const mount of step.mounts) {
    if (mount.type !== 'cache') continue
    const input = mount.input === null ? undefined : step.inputs[mount.input]
    const place = { mount, ...(input ? { input } : {}), identity: await cacheIdentity(session, mount, input, job) }
    if (!wanted.has(cacheKey(mount))) wanted.set(cacheKey(mount), place)
  }
  const folders = new Map<string, string>()
  for (const [key, place] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const fill = (folder: string): Promise<void> => fillCache(session, place, folder, job)
    // as in BuildKit, whose folder with attributes is a step of its own that is done again
    const isNew =
      step.noCache && place.mount.mode !== null && session.isFirst(`cache ${JSON.stringify(place.identity)}`)
    if (isNew) session.store.cacheMounts.renew(place.identity)
    const use = await session.store.cacheMounts.use(place.identity, place.mount.sharing, fill, job)
    cleanup.defer(() => use.release())
    folders.set(key, use.folder)
  }
  return folders
}

/** What makes two mounts of one step the same cache. */
function cacheKey({ namespace, id, input, source, mode, uid, gid }: CacheMount): string {
  return JSON.stringify([namespace, id, input, input === null ? '' : source, mode, uid, gid])
}

function cacheMount({ target, readonly, input, source }: CacheMount, root: string): StepMount {
  // with initial content, the cache is what was there at `source`
  return { kind: 'folder', root, path: input === null ? source : '/', target, readonly }
}
