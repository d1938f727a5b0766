import type { CacheSharing } from '../../store/index.ts'

/** Files of an input of the step, at a place of its own. */
export interface BindMount {
  readonly type: 'bind'
  readonly target: string
  /** Which of the vertex's inputs; by convention those of the mounts come after the file system. */
  readonly input: number
  /** Absolute and clean, in the input. */
  readonly source: string
  /** Without it a step may write, and what it writes is thrown away. */
  readonly readonly: boolean
}

/** A folder that stays from build to build, beside the images. */
export interface CacheMount {
  readonly type: 'cache'
  readonly target: string
  readonly namespace: string
  readonly id: string
  readonly sharing: CacheSharing
  /** Where the content of a new one comes from; null for nowhere. */
  readonly input: number | null
  readonly source: string
  readonly readonly: boolean
  /** Of the folder of a new one. */
  readonly mode: number | null
  readonly uid: number | null
  readonly gid: number | null
}

/** A fresh file system in memory. */
export interface TmpfsMount {
  readonly type: 'tmpfs'
  readonly target: string
  /** Bytes, null for the kernel's default. */
  readonly size: number | null
  readonly readonly: boolean
}

/** Something that the user gave to the build and that must not be in its result. */
export interface SecretMount {
  readonly type: 'secret'
  readonly id: string
  /** The file that it is in; null for none. */
  readonly target: string | null
  /** The variable that it is in; null for none. */
  readonly env: string | null
  readonly required: boolean
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** The socket of an SSH agent. */
export interface SshMount {
  readonly type: 'ssh'
  readonly id: string
  readonly target: string
  readonly required: boolean
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** What RUN sees for its time only, from `--mount`. */
export type RunMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount
