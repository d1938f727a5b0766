/** Looks up what the values of a step stand for. */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { isObject, Unplayable, type Value } from './document.ts'
import type { Scene } from './scene.ts'

type Node = { readonly [name: string]: Value }
type Lookup = (node: Node, scene: Scene) => Promise<Value> | Value

const LOOKUPS: Readonly<Record<string, Lookup>> = {
  file: readOutput,
  path: (node, scene) => {
    const place = scene.placeOf(node)
    mkdirSync(path.dirname(place), { recursive: true })
    return place
  },
  stat: statOutput,
  strlen: async (node, scene) => lengthOf(await evaluate(node['x']!, scene)),
  output: ({ of, stream }, scene) => outputOf(String(of), String(stream), scene),
  err: ({ of }, scene) => {
    const { exitCode, stderr } = outcomeOf(String(of), scene)
    return exitCode === 0 ? null : stderr
  },
  imageid: ({ image, after }, scene) => scene.imageIds.get(`${String(image)} ${String(after)}`) ?? null,
  inspect: inspectImage,
  image: async (_node, scene) => JSON.parse(await inspect(scene, '{{json .}}', scene.lastImage)) as Value,
  json: async (node, scene) => {
    const value = await evaluate(node['x']!, scene)
    return typeof value === 'string' ? (JSON.parse(value) as Value) : value
  },
  field: async ({ x, name }, scene) => {
    const value = await evaluate(x!, scene)
    if (name === 'present') return value !== null && value !== undefined
    // what a build that failed says is its message, too
    if (name === 'message' && typeof value === 'string') return value
    return isObject(value) ? (value[String(name)] ?? null) : null
  },
  index: async ({ x, i }, scene) => {
    const value = parsed(await evaluate(x!, scene))
    const at = await evaluate(i!, scene)
    if (Array.isArray(value)) return value[Number(at)] ?? null
    return isObject(value) ? (value[String(at)] ?? null) : null
  },
  binop: binaryOperation,
  not: async (node, scene) => !(await evaluate(node['x']!, scene)),
  isnil: async ({ x, neg }, scene) => ((await evaluate(x!, scene)) === null) !== (neg === true),
  call1: call,
}

/** The value that a node stands for. Throws {@link Unplayable} for one that is not known. */
export async function evaluate(value: Value, scene: Scene): Promise<Value> {
  if (typeof value === 'string') return scene.fill(value)
  if (Array.isArray(value)) return Promise.all(value.map((each: Value) => evaluate(each, scene)))
  if (!isObject(value)) return value
  if ('$' in value) {
    const lookup = LOOKUPS[String(value['$'])]
    if (!lookup) throw new Unplayable(`value ${String(value['$'])}: ${JSON.stringify(value).slice(0, 120)}`)
    return lookup(value, scene)
  }
  const entries = Object.entries(value).map(async ([name, each]) => [name, await evaluate(each, scene)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

function readOutput({ of, path: name }: Node, scene: Scene): Value {
  const file = scene.find(String(of), String(name))
  return file === undefined ? null : readFileSync(file, 'utf8')
}

function statOutput({ of, path: name }: Node, scene: Scene): Value {
  const file = scene.find(String(of), String(name))
  if (file === undefined) return null
  const { mode, size, mtimeNs } = statSync(file, { bigint: true })
  return { mode: Number(mode) & 0o7777, size: Number(size), mtimeNs: Number(mtimeNs) }
}

function outcomeOf(id: string, scene: Scene) {
  const outcome = scene.outcomes.get(id)
  if (!outcome) throw new Unplayable(`asks for the outcome of ${id}, which was not run`)
  return outcome
}

function outputOf(id: string, stream: string, scene: Scene): string {
  const { stdout, stderr } = outcomeOf(id, scene)
  return stream === 'combined' ? stdout + stderr : stream === 'stderr' ? stderr : stdout
}

async function inspectImage({ image, field, json }: Node, scene: Scene): Promise<Value> {
  const template = json === true ? `{{json .${String(field)}}}` : `{{.${String(field)}}}`
  return inspect(scene, template, String(image))
}

/** What `inspect` prints of an image. */
export async function inspect({ tool }: Scene, template: string, image: string): Promise<string> {
  const { exitCode, stdout, stderr } = await tool.command(['inspect', '--type', 'image', '--format', template, image])
  if (exitCode !== 0) throw new Error(`inspect ${image}: ${stderr.trim()}`)
  return stdout.trimEnd()
}

async function binaryOperation({ op, a, b }: Node, scene: Scene): Promise<Value> {
  const left = await evaluate(a!, scene)
  const right = likeness(left, await evaluate(b!, scene))
  switch (op) {
    case '==':
      return isEqual(left, right)
    case '!=':
      return !isEqual(left, right)
    case '&&':
      return Boolean(left) && Boolean(right)
    case '||':
      return Boolean(left) || Boolean(right)
    case '-':
      return Number(left) - Number(right)
    case '<':
      return Number(left) < Number(right)
    case '>':
      return Number(left) > Number(right)
    case '<=':
      return Number(left) <= Number(right)
    case '>=':
      return Number(left) >= Number(right)
    default:
      throw new Unplayable(`operator ${String(op)}`)
  }
}

/** A text in quotes of the test's language, where the other side has none, is the text without them. */
function likeness(left: Value, right: Value): Value {
  if (typeof right !== 'string' || !right.startsWith('"') || (typeof left === 'string' && left.startsWith('"')))
    return right
  try {
    return JSON.parse(right) as Value
  } catch {
    return right
  }
}

/** Whether two values are the same, or one is the JSON text of the other. */
export function isEqual(left: Value, right: Value): boolean {
  return canonical(left) === canonical(right)
}

/** As JSON with sorted keys; a text that is JSON counts as what it says, since `inspect` prints it compactly. */
function canonical(value: Value): string {
  if (typeof value === 'string' && /^[[{]/.test(value)) {
    try {
      return canonical(JSON.parse(value) as Value)
    } catch {
      return JSON.stringify(value)
    }
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isObject(value)) return JSON.stringify(value)
  const keys = Object.keys(value).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`).join()}}`
}

async function call({ name, x, args }: Node, scene: Scene): Promise<Value> {
  const value = await evaluate(x!, scene)
  const [first] = (await evaluate(args ?? [], scene)) as readonly Value[]
  const text = String(value ?? '')
  switch (name) {
    case 'isAbsent':
      return value === null
    case 'TrimSpace':
      return text.trim()
    case 'Contains':
      return text.includes(String(first))
    case 'HasPrefix':
      return text.startsWith(String(first))
    case 'Count':
      return text.split(String(first)).length - 1
    case 'Split':
      return text.split(String(first))
    default:
      throw new Unplayable(`call of ${String(name)}`)
  }
}

/** What `inspect` prints as JSON is a text until something of it is asked for. */
function parsed(value: Value): Value {
  return typeof value === 'string' && /^([[{]|null$)/.test(value) ? (JSON.parse(value) as Value) : value
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') {
    if (/^[[{]/.test(value)) return lengthOf(JSON.parse(value) as Value)
    return Buffer.byteLength(value)
  }
  if (Array.isArray(value)) return value.length
  return isObject(value) ? Object.keys(value).length : 0
}
