import type { Platform } from '../../oci/index.ts'
import { parseGitUrl } from '../git/index.ts'
import type { ImageOp, Op } from '../graph.ts'
import type { RunMount } from '../mounts/mount.ts'
import type { CopyOp, CopySource } from '../ops/copy.ts'
import type { FolderOp } from '../ops/folder.ts'
import type { GitOp } from '../ops/git.ts'
import type { HttpOp } from '../ops/http.ts'
import type { RunOp } from '../ops/run.ts'
import { redactUrl } from '../url.ts'

/** An operation as JSON, in the words of BuildKit's build definition (solver/pb, "Op"): tools that read one read ours. */
export type OperationJson = Readonly<Record<string, unknown>>

/**
 * What an operation did, without anything that only this machine knows: proxies, certificates, where files were.
 * Secrets are named, never shown.
 */
export function operationJson(op: Op, platform: Platform): OperationJson {
  const onPlatform = { platform: { Architecture: platform.architecture, OS: platform.os } }
  switch (op.kind) {
    case 'image':
      return { ...imageSource(op), ...onPlatform, constraints: {} }
    case 'context':
      return { Op: { source: { identifier: `local://${op.name}` } }, constraints: {} }
    case 'http':
      return { Op: { source: httpSource(op) }, constraints: {} }
    case 'git':
      return { Op: { source: gitSource(op) }, constraints: {} }
    case 'merge':
      return { Op: { merge: { inputs: [{ input: 0 }, { input: 1 }] } }, constraints: {} }
    case 'run':
      return { Op: { exec: execution(op) }, ...onPlatform, constraints: {} }
    case 'copy':
      return { Op: { file: { actions: copies(op) } }, constraints: {} }
    case 'folder':
      return { Op: { file: { actions: [folder(op)] } }, constraints: {} }
  }
}

/** Nothing to begin with is no source. */
function imageSource({ reference }: ImageOp): OperationJson {
  return { Op: reference === 'scratch' ? {} : { source: { identifier: `docker-image://${reference}` } } }
}

function httpSource({ url, checksum }: HttpOp): OperationJson {
  return { identifier: redactUrl(url), ...(checksum === null ? {} : { attrs: { 'http.checksum': checksum } }) }
}

/** BuildKit's `git://` identifier: the address without its scheme; `git.fullurl` has it whole. */
function gitSource({ url, checksum, keepGitDir }: GitOp): OperationJson {
  const { remote, ref, subdir } = parseGitUrl(url)!
  const shown = redactUrl(remote)
  const part = ref === undefined && subdir === undefined ? '' : `#${[ref ?? '', ...(subdir ? [subdir] : [])].join(':')}`
  const attrs = {
    'git.fullurl': shown,
    ...(keepGitDir ? { 'git.keepgitdir': 'true' } : {}),
    ...(checksum === null ? {} : { 'git.checksum': checksum }),
  }
  return { identifier: `git://${shown.replace(/^\w+:\/\//, '')}${part}`, attrs }
}

// solver/pb, "NetMode"
const NETWORK = { default: 0, host: 1, none: 2 } as const

function execution(op: RunOp): OperationJson {
  const { args, env, cwd, user, network, script, mounts, security } = op
  const secretEnv = mounts.flatMap((mount) => (mount.type === 'secret' && mount.env !== null ? [mount] : []))
  return {
    meta: { args, env, cwd, ...(user === '' ? {} : { user }), ...(script ? { script: script.text } : {}) },
    mounts: [{ dest: '/' }, ...mounts.flatMap(mountJson)],
    ...(secretEnv.length > 0 ? { secretenv: secretEnv.map(({ id, env: name }) => ({ ID: id, name })) } : {}),
    ...(security === 'insecure' ? { security: 1 } : {}),
    ...(network === 'default' ? {} : { network: NETWORK[network] }),
  }
}

// solver/pb, "MountType"
const MOUNT_TYPES = { bind: 0, secret: 1, ssh: 2, cache: 3, tmpfs: 4 } as const

/** What a mount was, by the name of what it holds; nothing of what it held. */
function mountJson(mount: RunMount): OperationJson[] {
  const mountType = MOUNT_TYPES[mount.type]
  if (mount.target === null) return []
  const common = { dest: mount.target, ...(mountType === 0 ? {} : { mountType }) }
  switch (mount.type) {
    case 'bind':
      return [{ input: mount.input, selector: mount.source, ...common, readonly: mount.readonly }]
    case 'cache':
      return [{ ...common, cacheOpt: { ID: mount.id, sharing: mount.sharing } }]
    case 'secret':
      return [{ ...common, secretOpt: { ID: mount.id, ...(mount.required ? {} : { optional: true }) } }]
    case 'ssh':
      return [{ ...common, SSHOpt: { ID: mount.id, ...(mount.required ? {} : { optional: true }) } }]
    case 'tmpfs':
      return [common]
  }
}

function copies(op: CopyOp): OperationJson[] {
  const { dest, owner, mode, unpack, excludes } = op
  const common = {
    dest,
    ...(owner === null ? {} : { owner }),
    ...(mode === null ? {} : { modeStr: mode }),
    ...(unpack.local || unpack.downloads ? { attemptUnpackDockerCompatibility: true } : {}),
    ...(excludes.length > 0 ? { exclude_patterns: excludes } : {}),
  }
  return op.sources.flatMap((source) => copyActions(source, common))
}

function copyActions(source: CopySource, common: OperationJson): OperationJson[] {
  const action = (about: OperationJson, input?: number): OperationJson => ({
    input: 0,
    ...(input === undefined ? {} : { secondaryInput: input }),
    output: 0,
    Action: about,
  })
  if ('text' in source) return [action({ mkfile: { path: `${common['dest']}`, data: base64(source.text) } })]
  if ('download' in source) return [action({ copy: { src: '/', ...common } }, source.download)]
  if ('remote' in source) return [action({ copy: { src: '/', ...common } }, source.remote)]
  return source.paths.map((src) => action({ copy: { src: src.replace(/^\/*/, '/'), ...common } }, source.input))
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function folder({ path, user }: FolderOp): OperationJson {
  const owner = user === '' ? {} : { owner: user }
  return {
    input: 0,
    secondaryInput: -1,
    output: 0,
    Action: { mkdir: { path, mode: 493, makeParents: true, ...owner } },
  }
}
