import { type ByteString, isJsonObject, type Json, parseJson } from '../core/index.ts'
import { baseName, type Cataloger } from './cataloger.ts'
import type { FileReader } from './files.ts'
import type { Package } from './package.ts'
import { packageUrl } from './purl.ts'

const LARGEST_PACKAGE = 2 << 20
const LARGEST_LOCK = 64 << 20
const MOST_DEPTH = 64

/** `node_modules/name/package.json`, `node_modules/@scope/name/package.json`, at any depth. */
const INSTALLED = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/
const NAME = /^(?:@[A-Za-z0-9._~-]{1,213}\/)?[A-Za-z0-9._~!()*'-]{1,214}$/

/**
 * npm packages: what lies in `node_modules`, and what the lock file of an application that was bundled into fewer files
 * names. Packages for development only, and optional ones, count only when they are installed.
 */
export const npm: Cataloger = {
  name: 'npm',
  wants: (path) => (isLock(path) ? !inNodeModules(path) : path.endsWith('/package.json') && INSTALLED.test(path)),
  *read(path, reader) {
    if (!isLock(path)) {
      const found = readPackage(path, reader)
      if (found) yield found
      return
    }
    yield* readLock(path, reader)
  },
}

const isLock = (path: string): boolean => ['package-lock.json', 'npm-shrinkwrap.json'].includes(baseName(path))
const inNodeModules = (path: string): boolean => /(?:^|\/)node_modules\//.test(path)

function readPackage(path: ByteString, reader: FileReader): Package | undefined {
  const bytes = reader.bytes(path, LARGEST_PACKAGE)
  const value = bytes && tryJson(bytes, LARGEST_PACKAGE)
  if (!isJsonObject(value)) return undefined
  const [name, version] = [textOf(value['name']), textOf(value['version'])]
  if (!name || !version) return undefined
  return packageOf({ name, version, about: value, path })
}

/** Lock files of npm 7 and later list packages by their folder; those before, by name and nested. */
function* readLock(path: ByteString, reader: FileReader): Generator<Package> {
  const bytes = reader.bytes(path, LARGEST_LOCK)
  const value = bytes && tryJson(bytes, LARGEST_LOCK)
  if (!isJsonObject(value)) return
  const { packages, dependencies } = value
  const entries = isJsonObject(packages)
    ? fromFolders(packages)
    : isJsonObject(dependencies)
      ? nested(dependencies)
      : []
  for (const [name, about] of entries) {
    const version = textOf(about['version'])
    const skipped = about['dev'] === true || about['optional'] === true || about['link'] === true
    const found = version && !skipped ? packageOf({ name, version, about, path }) : undefined
    if (found) yield found
  }
}

type About = { [key: string]: Json }

function* fromFolders(packages: About): Generator<[string, About]> {
  for (const [folder, about] of Object.entries(packages)) {
    const cut = folder.lastIndexOf('node_modules/')
    if (cut < 0 || !isJsonObject(about)) continue
    yield [textOf(about['name']) ?? folder.slice(cut + 'node_modules/'.length), about]
  }
}

/** Goes no deeper than the JSON was allowed to be. */
function* nested(dependencies: About): Generator<[string, About]> {
  const pending: [string, Json][] = Object.entries(dependencies).reverse()
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [name, about] = next
    if (!isJsonObject(about)) continue
    yield [name, about]
    const { dependencies: inner } = about
    if (isJsonObject(inner)) pending.push(...Object.entries(inner).reverse())
  }
}

function packageOf(found: { name: string; version: string; about: About; path: ByteString }): Package | undefined {
  const { name, version, about, path } = found
  if (!NAME.test(name) || version.length > 256) return undefined
  const cut = name.startsWith('@') ? name.indexOf('/') : -1
  const supplier = personOf(about['author'])
  const [homepage, description] = [textOf(about['homepage']), textOf(about['description'])]
  return {
    kind: 'npm',
    name,
    version,
    purl: packageUrl({
      type: 'npm',
      namespace: cut < 0 ? undefined : name.slice(0, cut),
      name: name.slice(cut + 1),
      version,
    }),
    licenses: licensesOf(about),
    foundIn: path,
    ...(supplier ? { supplier } : {}),
    ...(homepage ? { homepage } : {}),
    ...(description ? { description } : {}),
  }
}

/** `"license": "MIT"`, and the two older forms. */
function licensesOf({ license, licenses }: About): string[] {
  const all = [license, ...(Array.isArray(licenses) ? licenses.slice(0, 20) : [licenses])]
  return all.flatMap((each) => textOf(isJsonObject(each) ? each['type'] : each) ?? [])
}

/** `Jane Doe <jane@example.com> (https://...)`, or the same as an object. */
function personOf(value: Json | undefined): string | undefined {
  if (!isJsonObject(value)) return withoutAddress(textOf(value))
  const [name, email] = [textOf(value['name']), textOf(value['email'])]
  return name && email ? `${name} <${email}>` : name
}

/** Without a web address in parentheses at its end. */
function withoutAddress(text: string | undefined): string | undefined {
  const cut = text?.trimEnd().endsWith(')') ? text.lastIndexOf('(') : -1
  return cut > 0 ? text!.slice(0, cut).trimEnd() : text
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 4096) : undefined
}

/** A file of an image that is no JSON names no packages; that happens in test folders of packages. */
function tryJson(bytes: Uint8Array, maxBytes: number): Json | undefined {
  try {
    return parseJson(bytes, { what: 'package.json', maxBytes, maxDepth: MOST_DEPTH })
  } catch {
    return undefined
  }
}
