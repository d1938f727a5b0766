import type { Token } from '../logical-line.ts'
import type { DockerfileNode, Flag } from '../node.ts'
import { didYouMean } from '../suggest.ts'
import { malformed } from './malformed.ts'

/** What a flag takes: a value, nothing or a truth value, or a value each time it is given. */
export type FlagType = 'string' | 'boolean' | 'list'

/** The flags of an instruction by name; a boolean or a string that was not given is absent, a list is empty. */
export type Flags<S extends Record<string, FlagType>> = {
  readonly [N in keyof S as S[N] extends 'list' ? N : never]: readonly Token[]
} & {
  readonly [N in keyof S as S[N] extends 'string' ? N : never]?: Token
} & {
  readonly [N in keyof S as S[N] extends 'boolean' ? N : never]?: boolean
}

/** Reads the flags of an instruction. Fails with `DOCKERFILE_INVALID` for unknown, double and bad ones. */
export function parseFlags<const S extends Record<string, FlagType>>(node: DockerfileNode, types: S): Flags<S> {
  const found = new Map<string, Token | boolean | Token[]>()
  for (const [name, type] of Object.entries(types)) if (type === 'list') found.set(name, [])
  for (const flag of node.flags) {
    const type = Object.hasOwn(types, flag.name) ? types[flag.name] : undefined
    if (type === undefined) {
      throw malformed(flag, `unknown flag: --${flag.name}${didYouMean(flag.name, Object.keys(types).sort())}`)
    }
    const before = found.get(flag.name)
    if (type === 'list') (before as Token[]).push(requiredValue(flag))
    else if (before !== undefined) throw malformed(flag, `duplicate flag specified: --${flag.name}`)
    else found.set(flag.name, type === 'boolean' ? truthOf(flag) : requiredValue(flag))
  }
  return Object.fromEntries(found) as Flags<S>
}

/** Refuses all flags, for instructions that have none. */
export function refuseFlags(node: DockerfileNode): void {
  parseFlags(node, {})
}

function requiredValue(flag: Flag): Token {
  if (!flag.value) throw malformed(flag, `missing a value on flag: --${flag.name}`)
  return flag.value
}

function truthOf(flag: Flag): boolean {
  const value = flag.value?.text
  if (value === '') throw malformed(flag, `missing a value on flag: --${flag.name}`)
  const lower = value?.toLowerCase() ?? 'true'
  if (lower !== 'true' && lower !== 'false') {
    throw malformed(flag, `expecting boolean value for flag --${flag.name}, not: ${value}`)
  }
  return lower === 'true'
}
