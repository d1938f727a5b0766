import { type Digest, isDigest } from '../../core/index.ts'
import type { KeyPart } from '../key-part.ts'
import { differingFiles, type FileDifference } from './file-differences.ts'
import { masked, pairOf } from './redact.ts'

/** A part of the key that has another value than before; a side without one did not have the part. */
export interface ValueDifference {
  /** `command`, `variable`, `base`, `network`, ... */
  part: string
  /** Which one, where there are several: of variables, of mounts. */
  name?: string
  /** The instruction that gives a variable its value; missing where that is not known any more. */
  from?: 'ARG' | 'ENV'
  old?: string
  new?: string
  /** In words, what made it so. */
  because?: string
}

/** Why a step missed, where no part of its key says it. */
export interface OtherDifference {
  /**
   * `new`: nothing like it was built before. `no-cache`: the cache was not to be asked. `evicted`: the result was there
   * once (`reason`, `at`). `hidden`: a value that is not shown.
   */
  part: 'new' | 'no-cache' | 'evicted' | 'hidden'
  reason?: string
  /** ISO 8601. */
  at?: string
}

/** One reason for a miss. */
export type Difference = ValueDifference | FileDifference | OtherDifference

/** A key document as it is remembered. */
export interface KeyDocument {
  operation: KeyPart
  content?: KeyPart
}

/** What users call the parts of a key. */
const NAMES: Readonly<Record<string, string>> = {
  args: 'command',
  cwd: 'workdir',
  extraHosts: 'extra hosts',
  shmSize: 'shm-size',
  dest: 'destination',
  owner: 'chown',
  mode: 'chmod',
  mounts: 'mount',
  reference: 'base image',
}

/** Keys come from other stores, too. */
const partName = (key: string): string => (Object.hasOwn(NAMES, key) ? NAMES[key]! : key)

/** Reads a list of files that was kept with a step. */
export type ReadList = (digest: Digest) => string | undefined

/** What a step says beside its key. */
interface About {
  /** Variables that are build arguments. */
  args?: readonly string[]
}

/**
 * What differs between two steps: first what the instruction says, then the files that it takes, then what it is done
 * on. Values that were taken out show as `****`.
 */
export function differencesOf(
  old: KeyDocument,
  now: KeyDocument,
  readList: ReadList,
  { args = [] }: About = {},
): Difference[] {
  const { operation } = now
  const found = [
    ...ofOperation(asObject(old.operation), asObject(operation), args),
    ...ofContent(old.content, now.content, { readList, source: sourceOf(operation), mounts: sourcesOf(operation) }),
  ]
  return found.length > 0 ? found : [{ part: 'hidden' }]
}

type Fields = Readonly<Record<string, KeyPart>>

const asObject = (part: KeyPart | undefined): Fields =>
  typeof part === 'object' && part !== null && !Array.isArray(part) ? (part as Fields) : {}

function ofOperation(old: Fields, now: Fields, args: readonly string[]): ValueDifference[] {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  // the command says most
  const sorted = keys.sort((a, b) => Number(b === 'args') - Number(a === 'args'))
  return sorted.flatMap((key) => {
    if (sameJson(old[key], now[key])) return []
    if (key === 'env') return ofVariables(old[key], now[key], args)
    if (key === 'mounts') return ofMounts(old[key], now[key])
    return [valueDifference(partName(key), shown(key, old[key]), shown(key, now[key]))]
  })
}

function ofVariables(old: KeyPart | undefined, now: KeyPart | undefined, args: readonly string[]): ValueDifference[] {
  const [before, after] = [old, now].map((list) => new Map(asList(list).map((pair) => pairOf(String(pair)))))
  const names = [...new Set([...before!.keys(), ...after!.keys()])]
  const differing = names.filter((name) => before!.get(name) !== after!.get(name))
  if (differing.length === 0) return [{ part: 'order of variables' }]
  const instruction = (name: string): Pick<ValueDifference, 'from'> =>
    after!.has(name) ? { from: args.includes(name) ? 'ARG' : 'ENV' } : {}
  return differing.map((name) => ({
    ...valueDifference('variable', before!.get(name), after!.get(name)),
    ...instruction(name),
    name,
  }))
}

/** Mounts are told apart by their targets. */
function ofMounts(old: KeyPart | undefined, now: KeyPart | undefined): ValueDifference[] {
  const targetOf = (mount: KeyPart, at: number): string => String(asObject(mount)['target'] ?? at)
  const [before, after] = [old, now].map((list) => new Map(asList(list).map((each, at) => [targetOf(each, at), each])))
  const names = [...new Set([...before!.keys(), ...after!.keys()])]
  return names.flatMap((name) => {
    const [one, other] = [before!.get(name), after!.get(name)]
    if (sameJson(one, other)) return []
    return [{ ...valueDifference('mount', mountText(one), mountText(other)), name }]
  })
}

/** The options of a mount that say something, nearly as they stand in a Dockerfile. */
function mountText(mount: KeyPart | undefined): string | undefined {
  if (mount === undefined) return undefined
  const fields = Object.entries(asObject(mount)).filter(
    ([key, value]) => key !== 'target' && key !== 'input' && value !== null && value !== false,
  )
  return fields.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(',')
}

/** What each digest of a RUN's mounts is of: where it is mounted, and from which path. */
function sourcesOf(operation: KeyPart): MountSource[] {
  return asList(asObject(operation)['mounts']).flatMap((part) => {
    const { type, input, target, source } = asObject(part)
    const isRead = type === 'bind' || type === 'cache'
    return isRead && typeof input === 'number' ? [{ target: String(target), source: String(source) }] : []
  })
}

interface MountSource {
  target: string
  source: string
}

interface ContentOptions {
  readList: ReadList
  source: string | undefined
  mounts: readonly MountSource[]
}

/** The base comes last: it differs for every step after one that gave another result. */
function ofContent(old: KeyPart | undefined, now: KeyPart | undefined, options: ContentOptions): Difference[] {
  if (old === undefined || now === undefined) return []
  const [before, after] = [asObject(old), asObject(now)]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => key !== 'base')
  const found = keys.flatMap((key) =>
    key === 'mounts'
      ? ofMountSources(asList(before[key]), asList(after[key]), options)
      : ofLeaf(key, before[key], after[key], options),
  )
  if (sameJson(before['base'], after['base'])) return found
  return [...found, valueDifference('base', shown('base', before['base']), shown('base', after['base']))]
}

/** Where mounts came or went that is said of them already, and what was in them tells no more. */
function ofMountSources(old: readonly KeyPart[], now: readonly KeyPart[], options: ContentOptions): Difference[] {
  if (old.length !== now.length) return []
  return now.flatMap((digest, at) => {
    const { target, source } = options.mounts[at] ?? { target: String(at), source: undefined }
    return ofLeaf('mount', old[at], digest, { ...options, source }).map((each) =>
      'change' in each ? { ...each, mount: target } : { ...each, part: 'source of mount', name: target },
    )
  })
}

function ofLeaf(
  key: string,
  old: KeyPart | undefined,
  now: KeyPart | undefined,
  options: ContentOptions,
): Difference[] {
  if (sameJson(old, now)) return []
  if (isPlainObject(old) && isPlainObject(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])]
    return keys.flatMap((each) => ofLeaf(each, asField(old, each), asField(now, each), options))
  }
  const lists = [old, now].map((part) =>
    typeof part === 'string' && isDigest(part) ? options.readList(part) : undefined,
  )
  const files = lists.every((list) => list !== undefined) ? differingFiles(lists[0]!, lists[1]!, options.source) : []
  return files.length > 0 ? files : [valueDifference(partName(key), shown(key, old), shown(key, now))]
}

const isPlainObject = (part: KeyPart | undefined): part is object & KeyPart => typeof part === 'object' && part !== null

const asField = (part: object & KeyPart, key: string): KeyPart | undefined =>
  (part as unknown as Record<string, KeyPart>)[key]

/** What a COPY takes, when that is a single path without wildcards. */
function sourceOf(operation: KeyPart): string | undefined {
  const sources = asList(asObject(operation)['sources'])
  const paths = asList(asObject(sources[0])['paths'])
  return sources.length === 1 && paths.length === 1 && !/[*?[\\]/.test(String(paths[0])) ? String(paths[0]) : undefined
}

function valueDifference(part: string, old: string | undefined, now: string | undefined): ValueDifference {
  const side = (key: 'old' | 'new', value: string | undefined): Partial<ValueDifference> =>
    value === undefined ? {} : { [key]: masked(value) }
  return { part, ...side('old', old), ...side('new', now) }
}

function shown(key: string, value: KeyPart | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (key === 'args' && Array.isArray(value)) return commandText(value.map(String))
  if (key === 'script') return String(asObject(value)['text'] ?? JSON.stringify(value))
  return JSON.stringify(value)
}

/** A shell's command alone, as it stands in the Dockerfile; else the list. */
function commandText(args: readonly string[]): string {
  return args.length === 3 && args[1] === '-c' && args[0] === '/bin/sh' ? args[2]! : JSON.stringify(args)
}

const asList = (part: KeyPart | undefined): readonly KeyPart[] => (Array.isArray(part) ? (part as KeyPart[]) : [])

const sameJson = (a: KeyPart | undefined, b: KeyPart | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)
