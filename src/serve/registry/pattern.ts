/** A pattern for names of repositories, or for tags, that was read. */
export interface Pattern {
  readonly text: string
  matches(name: string): boolean
}

/** No pattern needs to be longer than the longest name. */
const LONGEST = 255

/**
 * Reads a pattern. `*` stands for any characters but `/`, `?` for one; `**` between slashes stands for any number of
 * components, and for at least one where it ends the pattern: `team/*` is every repository right below `team`, `team/**`
 * everything below it, `**` every repository. Everything else stands for itself. `undefined` when it is none: empty, too
 * long, with an empty component, or with `**` as a part of one.
 */
export function parsePattern(text: string): Pattern | undefined {
  const components = text.split('/')
  if (text.length > LONGEST || !components.every(isComponent)) return undefined
  const parts = components.at(-1) === '**' ? components.toSpliced(-1, 0, '*') : components
  return { text, matches: (name) => matchesComponents(name, parts) }
}

/** Whether any of the patterns matches. */
export function matchesAny(patterns: readonly Pattern[], name: string): boolean {
  return patterns.some((pattern) => pattern.matches(name))
}

function isComponent(text: string): boolean {
  return text === '**' || (text !== '' && !text.includes('**'))
}

function matchesComponents(name: string, parts: readonly string[]): boolean {
  return matchesGlob(name.split('/'), parts, '**', matchesText)
}

function matchesText(component: string, part: string): boolean {
  if (!part.includes('*') && !part.includes('?')) return component === part
  return matchesGlob(component, part, '*', (char, sign) => sign === '?' || sign === char)
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
