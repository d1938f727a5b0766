import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { bytesOf, isObject, type Step, Unplayable, type Value } from './document.ts'
import type { Scene } from './scene.ts'

type Fields = { readonly [name: string]: Value }

/** Plays a `build` and notes how it ended. */
export async function playBuild(step: Step, scene: Scene): Promise<void> {
  const id = String(step['id'])
  const { place, folder, stdin } = contextOf(step, scene)
  const options = [
    ...attributeArgs(fields(step['attrs']), step, folder, scene),
    ...list(step['exports']).flatMap((each) => exportArgs(fields(each), scene)),
    ...cacheArgs('--cache-to', step['cacheExports'], scene),
    ...cacheArgs('--cache-from', step['cacheImports'], scene),
    ...secretArgs(step['session'], scene),
    ...list(step['entitlements']).flatMap((each) => ['--allow', String(each)]),
    ...list(step['args']).map(String),
  ]
  const args = ['build', '--progress=plain', ...options, place]
  const outcome = await scene.tool.command(args, { cwd: scene.folder, ...(stdin ? { stdin } : {}) })
  scene.outcomes.set(id, outcome)
  if (outcome.exitCode === 0) await noteImages(id, options, scene)
}

/** The last argument of the build, and the folder that `-f` is relative to. */
function contextOf(step: Step, scene: Scene): { place: string; folder: string; stdin?: Buffer } {
  const attrs = fields(step['attrs'])
  if (step['stdinDockerfile'] !== undefined) {
    const text = step['stdinDockerfile']
    return { place: '-', folder: '', stdin: bytesOf(typeof text === 'string' ? scene.fill(text) : text) }
  }
  if (step['contextIsRemote'] === true) {
    if (typeof attrs['context'] !== 'string') throw new Unplayable('a context that is uploaded over a session')
    return { place: scene.fill(attrs['context']), folder: '' }
  }
  if (list(step['dockerfileDir']).length > 0) throw new Unplayable('a folder for the Dockerfile alone')
  const folder = writeContext(step['context'] ?? null, scene)
  return { place: folder, folder }
}

/** Writes a context, unless the same was written before. */
function writeContext(content: Value, scene: Scene): string {
  const { folder, isNew } = scene.contextFolder(content)
  if (!isNew) return folder
  if (Array.isArray(content)) for (const entry of content) writeEntry(folder, fields(entry), scene)
  else {
    if ('$' in fields(content)) throw new Unplayable(`context ${JSON.stringify(content).slice(0, 80)}`)
    for (const [name, text] of Object.entries(fields(content)))
      writeEntry(folder, { $: 'f', path: name, content: text, mode: 0o644 }, scene)
  }
  return folder
}

function writeEntry(folder: string, { $, path: name, content, mode, target }: Fields, scene: Scene): void {
  const at = path.join(folder, String(name))
  mkdirSync($ === 'd' ? at : path.dirname(at), { recursive: true })
  if ($ === 'l') symlinkSync(String(target), at)
  else if ($ === 'f') writeFileSync(at, bytesOf(typeof content === 'string' ? scene.fill(content) : (content ?? '')))
  else if ($ !== 'd') throw new Unplayable(`an entry of a context: ${String($)}`)
  if (typeof mode === 'number' && !lstatSync(at).isSymbolicLink()) chmodSync(at, mode)
}

function attributeArgs(attrs: Fields, step: Step, folder: string, scene: Scene): string[] {
  return Object.entries(attrs).flatMap(([name, value]) => {
    if (typeof value !== 'string') throw new Unplayable(`attribute ${name} = ${JSON.stringify(value)}`)
    const text = scene.fill(value)
    if (name.startsWith('build-arg:')) return ['--build-arg', `${name.slice(10)}=${text}`]
    if (name.startsWith('label:')) return ['--label', `${name.slice(6)}=${text}`]
    if (name.startsWith('attest:')) return ['--attest', [`type=${name.slice(7)}`, text].filter(Boolean).join()]
    if (name.startsWith('context:')) return ['--build-context', `${name.slice(8)}=${namedContext(text, step, scene)}`]
    if (name === 'target' || name === 'platform') return [`--${name}`, text]
    if (name === 'no-cache')
      return text === '' ? ['--no-cache'] : text.split(',').flatMap((each) => ['--no-cache-filter', each])
    if (name === 'filename') return ['-f', folder === '' ? text : path.join(folder, text)]
    if (name === 'force-network-mode') return ['--network', text]
    if (name === 'context' && step['contextIsRemote'] === true) return []
    throw new Unplayable(`attribute ${name}`)
  })
}

/** `local:NAME` is one of the folders that come with the step. */
function namedContext(text: string, step: Step, scene: Scene): string {
  if (!text.startsWith('local:')) return text
  const content = fields(step['extraMounts'])[text.slice(6)]
  if (content === undefined) throw new Unplayable(`named context ${text}`)
  const folder = scene.newFolder('named')
  for (const entry of list(content)) writeEntry(folder, fields(entry), scene)
  return folder
}

function exportArgs({ type, attrs, out, outfile }: Fields, scene: Scene): string[] {
  const kind = String(type)
  const options = Object.entries(fields(attrs)).filter(([name]) => name !== 'push')
  const pairs = options.map(([name, value]) => `${name}=${scene.fill(String(value))}`)
  const target = outfile ?? out
  if (kind === 'image' && target === undefined) {
    const name = fields(attrs)['name']
    // what other builds of a case start from comes out of the local images instead of a registry
    if (pairs.length <= 1) return typeof name === 'string' ? ['-t', scene.fill(name)] : []
  }
  if (kind !== 'image') pairs.push(`dest=${scene.emptyPlace(target ?? `unnamed.${kind}`)}`)
  return ['--output', [`type=${kind}`, ...pairs].join()]
}

/** `{ Type, Attrs }` entries as values of a flag. */
function cacheArgs(flag: string, entries: Value | undefined, scene: Scene): string[] {
  return list(entries).flatMap((entry) => {
    const { Type, Attrs } = fields(entry)
    const pairs = Object.entries(fields(Attrs)).map(([name, value]) => {
      return `${name}=${isObject(value) ? scene.placeOf(value) : scene.fill(String(value))}`
    })
    return [flag, [`type=${String(Type)}`, ...pairs].join()]
  })
}

/** Secrets out of the source text that made them: `"name": []byte("value")`. */
function secretArgs(session: Value | undefined, scene: Scene): string[] {
  return list(session).flatMap((each) => {
    const text = String(fields(each)['text'] ?? '')
    if (!text.startsWith('secretsprovider.FromMap')) throw new Unplayable(`session: ${text}`)
    return [...text.matchAll(/"([^"]+)":\s*\[\]byte\("([^"]*)"\)/g)].flatMap(([, name, value]) => {
      const file = path.join(scene.newFolder('secret'), name!)
      writeFileSync(file, value!)
      return ['--secret', `id=${name},src=${file}`]
    })
  })
}

async function noteImages(id: string, options: readonly string[], scene: Scene): Promise<void> {
  const names = options.flatMap((option, at) => (options[at - 1] === '-t' ? [option] : []))
  for (const name of names) {
    const { stdout } = await scene.tool.command(['images', '--quiet', '--no-trunc', name])
    scene.imageIds.set(`${name} ${id}`, stdout.trim())
    scene.lastImage = name
  }
}

function fields(value: Value | undefined): Fields {
  return isObject(value) ? value : {}
}

function list(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : []
}
