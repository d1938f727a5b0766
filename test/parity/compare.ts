import type { Described } from '../../src/layer/host-tree.suite.ts'
import type { Ending, Exceptions } from './case.ts'
import { type ReadImage, shown, type Tree } from './image.ts'

/** What two builds of the same Dockerfile differ in. Lines say what Docker has, then what Slipway has. */
export interface Comparison {
  differences: string[]
  /** Differences that are only told: times of files. */
  times: number
}

/** Compares two images: all of the config with its times masked, and all files. */
export function compareImages(docker: ReadImage, slipway: ReadImage, exceptions: Exceptions): Comparison {
  const differences = compareJson(masked(docker.config), masked(slipway.config), 'config')
  const trees = compareTrees(withoutStubs(docker.tree, slipway.tree), slipway.tree, exceptions)
  return { differences: [...differences, ...trees.differences], times: trees.times }
}

/** Times become whether there is one, layers only count: both name the moment of the build. */
function masked(config: unknown): unknown {
  const { created, history, rootfs, ...rest } = config as Record<string, unknown> & {
    history?: { created?: string }[]
    rootfs: { diff_ids: string[] | null }
  }
  return {
    ...rest,
    // an image without layers has no moment; Docker takes the present, and makes another image each time
    created: created !== undefined || rootfs.diff_ids === null || rootfs.diff_ids.length === 0,
    history: history?.map((entry) => ({ ...entry, created: entry.created !== undefined })),
    rootfs: { ...rootfs, diff_ids: rootfs.diff_ids?.length ?? 0 },
  }
}

function compareJson(docker: unknown, slipway: unknown, place: string): string[] {
  if (isObject(docker) && isObject(slipway)) {
    const names = [...new Set([...Object.keys(docker), ...Object.keys(slipway)])]
    return names.flatMap((name) => compareJson(docker[name], slipway[name], `${place}.${name}`))
  }
  const [a, b] = [JSON.stringify(docker), JSON.stringify(slipway)]
  return a === b ? [] : [`${place}: ${a} | ${b}`]
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** What a runtime makes to mount on, where the base has nothing: it is no part of what the Dockerfile says. */
const STUBS = ['dev', 'proc', 'sys', 'etc', 'etc/hosts', 'etc/resolv.conf', 'dev/pts', 'dev/shm', 'dev/mqueue']

function withoutStubs(docker: Tree, slipway: Tree): Tree {
  const isStub = (name: string, entry: Described): boolean =>
    STUBS.includes(name) && !slipway.has(name) && (entry.kind === 'directory' || entry.size === 0)
  return new Map([...docker].filter(([name, entry]) => !isStub(name, entry)))
}

function compareTrees(theirs: Tree, ours: Tree, { paths, fields }: Exceptions): Comparison {
  const differences: string[] = []
  let times = 0
  const [docker, slipway] = [withFirstNames(theirs), withFirstNames(ours)]
  for (const name of new Set([...docker.keys(), ...slipway.keys()])) {
    const [a, b] = [docker.get(name), slipway.get(name)]
    if (name === '' || paths.some((path) => name === path || name.startsWith(`${path}/`))) continue
    if (!a || !b) {
      differences.push(`${shown(name)}: ${a ? `${a.kind} | missing` : `missing | ${b?.kind}`}`)
      continue
    }
    for (const field of FIELDS) {
      if (a[field] === b[field] || fields.includes(`${name}:${field}`)) continue
      differences.push(`${shown(name)} ${field}: ${a[field]} | ${b[field]}`)
    }
    if (a.mtime !== b.mtime) times++
  }
  return { differences, times }
}

/** Hard links are told by the first of a file's names. */
function withFirstNames(tree: Tree): Tree {
  const firsts = new Map<string, string>()
  for (const name of [...tree.keys()].sort()) {
    const { inode } = tree.get(name)!
    if (!firsts.has(inode)) firsts.set(inode, name)
  }
  return new Map([...tree].map(([name, entry]) => [name, { ...entry, inode: firsts.get(entry.inode)! }]))
}

const FIELDS = ['kind', 'mode', 'owner', 'size', 'content', 'xattrs', 'inode'] as const

/** Compares how two builds ended. What Docker says after its wrappers must be among our words. */
export function compareEndings(docker: Ending, slipway: Ending, { words }: Exceptions): string[] {
  if (docker.ok && slipway.ok) return []
  if (!docker.ok && !slipway.ok) {
    const said = coreOf(docker.message)
    return words || slipway.message.includes(said) ? [] : [`words: ${said} | ${slipway.message}`]
  }
  return [`ending: ${told(docker)} | ${told(slipway)}`]
}

const told = (ending: Ending): string => (ending.ok ? 'an image' : ending.message)

/** BuildKit wraps what went wrong into where in its own machinery it went wrong. */
function coreOf(message: string): string {
  const wrappers = [
    /^failed to compute cache key: /,
    /^failed to calculate checksum of ref \S+: /,
    /^failed to process "[^\n]*": /,
    /^dockerfile parse error on line \d+: /,
    /^failed to create LLB definition: /,
    /^failed to run Build function: /,
    /^failed to parse stage name /,
  ]
  let core = message.split('\n')[0]!.replace(/\S*\/cachemounts\/buildkit\d+\//, '/')
  for (let before = ''; before !== core; ) {
    before = core
    core = wrappers.reduce((text, wrapper) => text.replace(wrapper, ''), core)
  }
  return core
}
