import type { RobotScope } from './robots.ts'

/** Who makes a request, as far as it was proven. */
export type Identity =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly name: string; readonly groups: readonly string[] }
  | { readonly kind: 'robot'; readonly name: string; readonly scopes: readonly RobotScope[] }

/** Nobody in particular. */
export const ANONYMOUS: Identity = { kind: 'anonymous' }

/** What begins the user names of robots, and of nobody else: `robot.ci`. */
export const ROBOT_PREFIX = 'robot.'

/** The name in logs, in the audit log and as `sub` of tokens: `alice`, `robot.ci`, empty for anonymous. */
export function subjectOf(identity: Identity): string {
  if (identity.kind === 'anonymous') return ''
  return identity.kind === 'robot' ? ROBOT_PREFIX + identity.name : identity.name
}
