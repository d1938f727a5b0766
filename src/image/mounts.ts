import { fail } from '../core/index.ts'
import { type ImageRef, type NameOf, refersTo } from './line.ts'

/** A mount of one RUN step, made by `bind`, `cache`, `tmpfs`, `secret` or `ssh`. */
export interface RunMount {
  readonly options: readonly (readonly [name: string, value: string | number | boolean | undefined])[]
  readonly from?: ImageRef
}

/** Files of the build context, of an image or of a stage, read-only unless `rw`; what is written is thrown away. */
export function bind(options: { target: string; source?: string; from?: ImageRef; rw?: boolean }): RunMount {
  return mountOf('bind', options)
}

/** A folder that stays between builds. */
export function cache(
  target: string,
  options: {
    id?: string
    sharing?: 'shared' | 'private' | 'locked'
    from?: ImageRef
    source?: string
    mode?: string
    uid?: number
    gid?: number
    ro?: boolean
  } = {},
): RunMount {
  return mountOf('cache', { target, ...options })
}

/** A folder in memory; `size` as in `64m`. */
export function tmpfs(target: string, options: { size?: string } = {}): RunMount {
  return mountOf('tmpfs', { target, ...options })
}

/** A secret of the build, as a file (`target`), a variable (`env`) or both. It never gets into the image. */
export function secret(
  id: string,
  options: { target?: string; env?: string; required?: boolean; mode?: string; uid?: number; gid?: number } = {},
): RunMount {
  return mountOf('secret', { id, ...options })
}

/** The user's SSH agent. */
export function ssh(
  options: { id?: string; target?: string; required?: boolean; mode?: string; uid?: number; gid?: number } = {},
): RunMount {
  return mountOf('ssh', options)
}

function mountOf(
  type: string,
  { from, ...options }: { from?: ImageRef } & Record<string, ImageRef | number | boolean | undefined>,
): RunMount {
  const list = Object.entries({ type, ...options }) as [string, string | number | boolean | undefined][]
  return from === undefined ? { options: list } : { options: list, from }
}

/** The mount as a flag of RUN. Fails with `IMAGE_INVALID` for what the flag cannot say. */
export function mountFlag(mount: RunMount, nameOf: NameOf): string {
  const { options, from } = mount
  const withFrom = from === undefined ? options : [...options, ['from', refersTo(from).name(nameOf)] as const]
  const fields = withFrom.flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    return [field(value === true ? name : `${name}=${value}`)]
  })
  return `--mount=${fields.join(',')}`
}

function field(text: string): string {
  if (/[\s"',]/.test(text)) throw fail('IMAGE_INVALID', `a mount cannot say ${JSON.stringify(text)}`)
  return text
}
