import { lstatSync } from 'node:fs'
import path from 'node:path'
import { fail } from '../../../core/index.ts'
import { readText } from '../context/folder.ts'
import { type LockFile, parseLock } from './lock-file.ts'
import { createPins, type Pins } from './pins.ts'

/** A Dockerfile, with its path when it is a file of this machine. */
interface LockedDockerfile {
  file?: string
}

const LARGEST = 16 << 20

/** The pins of a locked build. Fails with `LOCK_INVALID` when there is no lock. */
export function lockedPins(definition: LockedDockerfile): Pins {
  const file = lockPath(definition)
  const lock = readLock(file)
  const name = path.basename(file)
  if (lock) return createPins(lock, name)
  throw fail('LOCK_INVALID', `there is no ${name} beside the Dockerfile`, { hint: 'Make one with "slipway lock".' })
}

/** Where the lock of a Dockerfile lies. */
export function lockPath({ file }: LockedDockerfile): string {
  if (file !== undefined) return `${file}.lock`
  throw fail('LOCK_INVALID', 'there is no place for Dockerfile.lock: the Dockerfile is not a file on this machine', {
    hint: 'Name a file with -f.',
  })
}

/** The lock at a path, if there is one. Fails with `LOCK_INVALID`, also for a link: it may come with a foreign context. */
export function readLock(file: string): LockFile | undefined {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw fail('LOCK_INVALID', `${path.basename(file)} is a symbolic link`, { hint: 'Put a copy in its place.' })
  }
  const text = readText(file, LARGEST)
  return text === undefined ? undefined : parseLock({ name: path.basename(file), text })
}
