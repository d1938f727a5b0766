import type { BuildSession, FileSource } from '../../../build/index.ts'
import type { Pins } from '../lock/pins.ts'
import type { Ignore } from './ignore.ts'

/** A build context that was found. */
export interface OpenContext {
  /** Absolute; missing for a context that is not a folder of the user's. */
  readonly folder?: string
  /** A Dockerfile that came in the place of files. */
  readonly dockerfile?: string
  /** Its files, without those that `ignore` excludes. Only a folder has such rules. */
  files(ignore?: Ignore): FileSource
  /** Unix seconds of what it holds: a commit's time, the newest file of an archive. A folder has none. */
  time?(): number
  /** Remembers what was found out about the files. */
  save?(): void
}

/** What contexts are opened with. */
export interface ContextOptions {
  session: BuildSession
  buildArgs: Readonly<Record<string, string>>
  /** What URLs of named contexts must hold. */
  pins?: Pins | undefined
}
