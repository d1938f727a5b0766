import { fail } from '../../../core/index.ts'
import { type Pattern, parsePattern } from '../pattern.ts'

/** Of what a pattern of rules and robots consists: a mistake in one would forbid, or allow, without anybody noticing. */
const COMPONENT = /^[a-z0-9._*-]+$/

/** Reads a pattern that some name of a repository can match: `team/*`, `team/**`, `**`. Fails with `ACCESS_INVALID`. */
export function parseRepositoryPattern(text: string): Pattern {
  const pattern = text.split('/').every(isComponent) ? parsePattern(text) : undefined
  if (pattern) return pattern
  throw fail('ACCESS_INVALID', `invalid repository pattern ${JSON.stringify(text.slice(0, 255))}`, {
    hint: 'A pattern is a repository name in lower case, in which * stands for a part of a component and ** for components: team/app, team/*, team/**.',
  })
}

function isComponent(text: string): boolean {
  return COMPONENT.test(text) && text !== '.' && text !== '..'
}
