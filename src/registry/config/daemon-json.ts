import * as v from 'valibot'
import { errnoOf } from '../../core/index.ts'
import { type ConfigFile, invalidFile, parseJsonFile, readConfigFile } from './config-file.ts'
import { isServerAddress } from './domain.ts'

const texts = v.optional(v.array(v.string('must be a string'), 'must be a list of strings'))

const DAEMON = v.looseObject({ 'registry-mirrors': texts, 'insecure-registries': texts }, 'must be an object')

/** What Docker's daemon.json says about registries. */
export interface DaemonSettings {
  /** Addresses of mirrors of Docker Hub, without a slash at the end. */
  readonly mirrors: readonly string[]
  /** Hosts with their ports, and networks in CIDR notation. */
  readonly insecure: readonly string[]
}

/**
 * The mirrors of the first file that has any, and the insecure registries of all. A file that only the daemon may read
 * says nothing to us, as it says nothing to Docker's command line. Fails with `REGISTRY_CONFIG_INVALID`.
 */
export function readDaemonSettings(paths: readonly string[]): DaemonSettings {
  const all = paths.map(readOne).filter((each) => each !== undefined)
  return {
    mirrors: all.find(({ mirrors }) => mirrors.length > 0)?.mirrors ?? [],
    insecure: all.flatMap(({ insecure }) => insecure),
  }
}

function readOne(path: string): DaemonSettings | undefined {
  const file = readUnlessSecret(path)
  if (!file || file.bytes.length === 0) return undefined
  const document = parseJsonFile(file, DAEMON)
  return {
    mirrors: (document['registry-mirrors'] ?? []).map((mirror) => checkMirror(file, mirror)),
    insecure: (document['insecure-registries'] ?? []).map((each) => each.replace(/^https?:\/\//, '')),
  }
}

function readUnlessSecret(path: string): ConfigFile | undefined {
  try {
    return readConfigFile(path)
  } catch (error) {
    if (error instanceof Error && errnoOf(error.cause) === 'EACCES') return undefined
    throw error
  }
}

/** Docker's conditions (moby, `ValidateMirror`). */
function checkMirror(file: ConfigFile, mirror: string): string {
  const url = URL.canParse(mirror) ? new URL(mirror) : undefined
  const refuse = (why: string): Error => invalidFile(file, { text: mirror }, `invalid mirror: ${why}`)
  if (url?.username || url?.password) throw refuse('username/password not allowed in URI')
  const shown = JSON.stringify(mirror)
  if (!url?.host && !/^[a-z]+:/i.test(mirror))
    throw refuse(`no scheme specified for ${shown}: must use either 'https://' or 'http://'`)
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw refuse(`unsupported scheme in ${shown}: must use either 'https://' or 'http://'`)
  if (url.search !== '' || url.hash !== '') throw refuse(`query or fragment at end of the URI ${shown}`)
  if (!isServerAddress(mirror)) throw refuse(`${shown} is not a valid URI`)
  return mirror.replace(/\/+$/, '')
}
