import { fail } from '../../../core/index.ts'

/** Which repositories a rule or a robot token is about. */
export interface RepositoryPattern {
  readonly text: string
  matches(repository: string): boolean
}

const MAX_LENGTH = 255

/** `*` in a component; `**` as a component. A name's own characters may stand for themselves. */
const COMPONENT = /^[a-z0-9._*-]+$/

/**
 * Reads a pattern: `team/*` is every repository right below `team`, `team/**` everything below it, `**` every
 * repository. `*` stands for any characters but `/`, `**` for any number of components, and for at least one where it
 * ends the pattern. Fails with `ACCESS_INVALID`.
 */
export function parsePattern(text: string): RepositoryPattern {
  const components = text.split('/')
  if (text.length > MAX_LENGTH || !components.every(isComponent)) {
    throw fail('ACCESS_INVALID', `invalid repository pattern ${JSON.stringify(text.slice(0, MAX_LENGTH))}`, {
      hint: 'A pattern is a repository name in lower case, in which * stands for a part of a component and ** for components: team/app, team/*, team/**.',
    })
  }
  const parts = components.at(-1) === '**' ? components.toSpliced(-1, 0, '*') : components
  return { text, matches: (repository) => matchesComponents(repository, parts) }
}

function isComponent(text: string): boolean {
  return text === '**' || (COMPONENT.test(text) && !text.includes('**') && text !== '.' && text !== '..')
}

function matchesComponents(repository: string, parts: readonly string[]): boolean {
  return matchesGlob(repository.split('/'), parts, '**', (component, part) => matchesText(component, part))
}

function matchesText(component: string, part: string): boolean {
  if (!part.includes('*')) return component === part
  return matchesGlob(component, part, '*', (a, b) => a === b)
}

/**
 * Whether `items` fit `pattern`, in which `star` stands for any number of items. Only the last star is ever tried
 * again, so the work is at most the product of the two lengths.
 */
function matchesGlob(
  items: ArrayLike<string>,
  pattern: ArrayLike<string>,
  star: string,
  equal: (item: string, part: string) => boolean,
): boolean {
  let at = 0
  let part = 0
  let lastStar = -1
  let resume = 0
  while (at < items.length) {
    if (part < pattern.length && pattern[part] === star) {
      lastStar = part++
      resume = at
    } else if (part < pattern.length && equal(items[at]!, pattern[part]!)) {
      at++
      part++
    } else if (lastStar >= 0) {
      part = lastStar + 1
      at = ++resume
    } else return false
  }
  while (part < pattern.length && pattern[part] === star) part++
  return part === pattern.length
}
