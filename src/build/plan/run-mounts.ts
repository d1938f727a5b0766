import path from 'node:path'
import { fail, type SourceSpan } from '../../core/index.ts'
import { type Mount, parseMount, type RunInstruction, type RunMount as WrittenMount } from '../../dockerfile/index.ts'
import type { Vertex } from '../graph.ts'
import type { RunMount } from '../mounts/mount.ts'
import { expandToken, type StageState } from './stage-state.ts'
import { absolutePath } from './workdir.ts'

/** The mounts of a RUN, and the vertices whose files they show. */
export interface PlannedMounts {
  mounts: RunMount[]
  inputs: Vertex[]
  /** Variables that secrets go into. */
  secretNames: string[]
}

const SECRETS = '/run/secrets'
const SSH_SOCKET = '/run/buildkit/ssh_agent'

/** Understands the mounts of a RUN with those that its stage has for all. Fails with `MOUNT_INVALID`, in BuildKit's words. */
export async function planMounts(stage: StageState, instruction: RunInstruction): Promise<PlannedMounts> {
  const planner = new MountPlanner(stage)
  const own: RunMount[] = []
  for (const written of instruction.mounts) own.push(await planner.plan(written))
  // of two at the same place the one that is said later counts, and what RUN says itself most of all
  const places = new Set(own.map(placeOf))
  const defaults: RunMount[] = []
  for (const written of stage.mountDefaults.toReversed()) {
    const mount = await planner.plan(written)
    if (places.has(placeOf(mount))) continue
    places.add(placeOf(mount))
    defaults.unshift(mount)
  }
  const mounts = numbered([...defaults, ...own])
  const secretNames = mounts.flatMap((mount) => (mount.type === 'secret' && mount.env !== null ? [mount.env] : []))
  return { mounts, inputs: planner.inputs, secretNames }
}

/** Where a mount shows: two that show at the same place are not both wanted. */
function placeOf(mount: RunMount): string {
  if (mount.type === 'ssh' && mount.target === '') return `ssh ${mount.id}`
  return mount.type === 'secret' && mount.target === null ? `env ${mount.env}` : mount.target!
}

/** Agents that have no place of their own get numbered ones. */
function numbered(mounts: readonly RunMount[]): RunMount[] {
  let agents = 0
  return mounts.map((mount) => {
    if (mount.type !== 'ssh') return mount
    const number = agents++
    return mount.target === '' ? { ...mount, target: `${SSH_SOCKET}.${number}` } : mount
  })
}

class MountPlanner {
  readonly #stage: StageState
  readonly inputs: Vertex[] = []

  constructor(stage: StageState) {
    this.#stage = stage
  }

  async plan(written: WrittenMount): Promise<RunMount> {
    const { span } = written
    const mount = parseMount(written, (value) => expandToken(this.#stage, { text: value, span }))
    switch (mount.type) {
      case 'bind':
        return this.#bind(mount, span)
      case 'cache':
        return this.#cache(mount, span)
      case 'tmpfs':
        return {
          type: 'tmpfs',
          target: this.#target(mount, span),
          size: mount.size || null,
          readonly: mount.readOnly,
        }
      case 'secret':
        return secret(mount, span)
      case 'ssh':
        return ssh(mount, span)
    }
  }

  async #bind(mount: Mount, span: SourceSpan): Promise<RunMount> {
    const { readOnly: readonly, from } = mount
    const target = this.#target(mount, span)
    const input = await this.#input(from, { span, target })
    return { type: 'bind', target, input, source: sourceOf(mount), readonly }
  }

  async #cache(mount: Mount, span: SourceSpan): Promise<RunMount> {
    const target = this.#target(mount, span)
    const source = sourceOf(mount)
    // as in BuildKit: a folder with attributes is a new one, unless a part of what is there is asked for
    const hasAttributes = source === '/' && [mount.mode, mount.uid, mount.gid].some((value) => value !== undefined)
    const fields = hasAttributes
      ? { mode: mount.mode ?? 0o755, uid: mount.uid ?? 0, gid: mount.gid ?? 0 }
      : NO_ATTRIBUTES
    return {
      type: 'cache',
      target,
      namespace: this.#stage.context.options.buildArgs['BUILDKIT_CACHE_MOUNT_NS'] ?? '',
      id: mount.id || path.posix.normalize(mount.target || '/').replace(/(.)\/$/, '$1'),
      sharing: mount.sharing ?? 'shared',
      input: mount.from && !hasAttributes ? await this.#input(mount.from, { span, target }) : null,
      source,
      readonly: mount.readOnly,
      ...fields,
    }
  }

  #target({ target = '' }: Mount, span: SourceSpan): string {
    return checkedTarget(absolutePath(this.#stage, target || '/'), span)
  }

  /** The number of the input that holds the files of a stage, an image or a context. */
  async #input(from: string | undefined, place: { span: SourceSpan; target: string }): Promise<number> {
    const stage = this.#stage
    const { context } = stage
    const vertex = from ? await context.source(from, { stage, ...place }) : context.contextVertex
    const known = this.inputs.findIndex((input) => input.id === vertex.id)
    return known >= 0 ? known + 1 : this.inputs.push(vertex)
  }
}

const NO_ATTRIBUTES = { mode: null, uid: null, gid: null }

function secret(mount: Mount, span: SourceSpan): RunMount {
  const id = mount.source || mount.id || path.posix.basename(mount.target ?? '')
  const inFile = mount.target || (mount.env ? undefined : `${SECRETS}/${path.posix.basename(id)}`)
  return {
    type: 'secret',
    id,
    target: inFile === undefined ? null : checkedTarget(path.posix.resolve('/', inFile), span),
    env: mount.env || null,
    required: mount.required,
    mode: mount.mode ?? 0o400,
    uid: mount.uid ?? 0,
    gid: mount.gid ?? 0,
  }
}

function ssh(mount: Mount, span: SourceSpan): RunMount {
  return {
    type: 'ssh',
    id: mount.source || mount.id || 'default',
    target: mount.target ? checkedTarget(path.posix.resolve('/', mount.target), span) : '',
    required: mount.required,
    mode: mount.mode ?? 0o600,
    uid: mount.uid ?? 0,
    gid: mount.gid ?? 0,
  }
}

const sourceOf = ({ source = '' }: Mount): string => path.posix.resolve('/', source)

function checkedTarget(target: string, span: SourceSpan): string {
  if (target === '/') throw fail('MOUNT_INVALID', 'invalid mount target "/"', { span })
  return target
}
