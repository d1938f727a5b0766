import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { errnoOf, fail, type Job, type Json } from '../../core/index.ts'
import { lock, syncFolder } from '../../host/index.ts'
import { type AuthDocument, readAuthFile } from './auth-file.ts'

const MAX_LINKS = 40

/**
 * Changes config.json: reads it, lets `change` work on what it says, and puts the result in its place, so that a reader
 * sees the old or the new file and never half of one. Keys that are not ours, its mode and its owner stay, and a symbolic
 * link stays one. `change` answers whether there is anything to write. Other processes that change it wait meanwhile.
 * Fails with `REGISTRY_CONFIG_INVALID`, and writes nothing, when the file is damaged or cannot be written.
 */
export async function updateAuthFile(
  file: string,
  change: (document: AuthDocument) => boolean,
  job: Job,
): Promise<boolean> {
  try {
    const target = followLinks(file)
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 })
    await using _ = await lock(path.join(path.dirname(target), `.${path.basename(target)}.lock`), {}, job)
    const document: AuthDocument = readAuthFile(target)?.document ?? {}
    if (!change(document)) return false
    replace(target, JSON.stringify(document as Json, null, '\t'))
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (!errno || !['EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'ELOOP', 'EISDIR'].includes(errno)) throw error
    throw fail('REGISTRY_CONFIG_INVALID', `${file} cannot be written (${errno})`, {
      cause: error,
      hint: 'DOCKER_CONFIG names another folder for it.',
    })
  }
}

/** The file that a path leads to, also when it is not there yet. */
function followLinks(file: string): string {
  let target = file
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = linkTarget(target)
    if (next === undefined) return target
    target = path.resolve(path.dirname(target), next)
  }
  throw fail('REGISTRY_CONFIG_INVALID', `${file} is a symbolic link that leads nowhere`)
}

function linkTarget(file: string): string | undefined {
  try {
    return readlinkSync(file)
  } catch {
    return undefined
  }
}

function replace(target: string, text: string): void {
  const old = statSync(target, { throwIfNoEntry: false })
  const temporary = `${target}.${process.pid}.${Date.now()}.tmp`
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    try {
      writeFileSync(fd, text)
      if (old) keepRights(fd, old)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(path.dirname(target))
}

function keepRights(fd: number, old: { uid: number; gid: number; mode: number }): void {
  if (process.getuid?.() === 0) fchownSync(fd, old.uid, old.gid)
  fchmodSync(fd, old.mode & 0o777)
}
