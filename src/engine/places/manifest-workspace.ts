import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { digestOf, errnoOf, fail, isJsonObject, type Json, parseJson } from '../../core/index.ts'
import { formatReference, type ImageReference, LIMITS, MEDIA, parseIndex } from '../../oci/index.ts'
import { type ListedManifest, manifestJson } from './manifest-json.ts'

/** Base64 of a manifest, the manifest itself, and some words. */
const MOST_BYTES = LIMITS.manifestBytes * 3
const MOST_ENTRIES = 1000

/**
 * The lists that `manifest create` collects and `manifest push` sends: a folder for each, with a file for each
 * manifest, in `manifests` beside Docker's config.json and in its form, so that both tools see the same lists.
 */
export class ManifestWorkspace {
  readonly #folder: string

  /** `config` is the folder of config.json. */
  constructor(config: string) {
    this.#folder = path.join(config, 'manifests')
  }

  /** The manifests of a list, in the order of their files' names; `undefined` when there is no such list. */
  list(list: ImageReference): ListedManifest[] | undefined {
    const folder = this.#listFolder(list)
    const names = orNothing(() => readdirSync(folder))
    if (!names) return undefined
    const files = names.filter((name) => !name.startsWith('.')).sort()
    return files.slice(0, MOST_ENTRIES).flatMap((name) => this.#read(path.join(folder, name)) ?? [])
  }

  find(list: ImageReference, manifest: ImageReference): ListedManifest | undefined {
    return this.#read(path.join(this.#listFolder(list), fileName(manifest)))
  }

  save(list: ImageReference, manifest: ImageReference, entry: ListedManifest): void {
    const folder = this.#listFolder(list)
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const target = path.join(folder, fileName(manifest))
    const temporary = path.join(folder, `.${process.pid}-${Date.now().toString(36)}`)
    writeFileSync(temporary, JSON.stringify(manifestJson(entry)), { mode: 0o600, flag: 'wx' })
    renameSync(temporary, target)
  }

  /** Whether there was such a list. */
  remove(list: ImageReference): boolean {
    const folder = this.#listFolder(list)
    if (!orNothing(() => lstatSync(folder))) return false
    rmSync(folder, { recursive: true })
    return true
  }

  #listFolder(list: ImageReference): string {
    return path.join(this.#folder, fileName(list))
  }

  #read(file: string): ListedManifest | undefined {
    const stats = orNothing(() => lstatSync(file))
    if (!stats) return undefined
    if (!stats.isFile()) throw damaged(file, 'it is not a regular file')
    if (stats.size > MOST_BYTES) throw fail('FILE_TOO_LARGE', `${file} is larger than ${MOST_BYTES} bytes`)
    return parseEntry(file, parseJson(readFileSync(file), { what: file, maxBytes: MOST_BYTES }))
  }
}

function parseEntry(file: string, value: Json): ListedManifest {
  if (!isJsonObject(value) || typeof value['Ref'] !== 'string' || typeof value['Raw'] !== 'string') {
    throw damaged(file, 'it is not what manifest create writes')
  }
  const raw = Buffer.from(value['Raw'], 'base64')
  const index = JSON.stringify({ schemaVersion: 2, manifests: [value['Descriptor']] })
  const descriptor = parseIndex(Buffer.from(index), MEDIA.ociIndex).manifests[0]!
  if (digestOf(raw) !== descriptor.digest) {
    throw fail('CONTENT_MISMATCH', `the manifest in ${file} has the digest ${digestOf(raw)}, not ${descriptor.digest}`)
  }
  return { ref: value['Ref'], descriptor, raw }
}

/** `docker.io/library/app:1` as the name of a file, as Docker does it. */
function fileName(reference: ImageReference): string {
  return formatReference(reference).replaceAll(':', '-').replaceAll('/', '_')
}

function orNothing<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function damaged(file: string, why: string): Error {
  return fail('MANIFEST_INVALID', `cannot read ${file}: ${why}`, {
    hint: 'Remove the list with manifest rm and create it again.',
  })
}
