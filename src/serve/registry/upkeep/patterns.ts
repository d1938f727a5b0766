/** A name pattern that was read: what it matches, and what it looks like. */
export interface Pattern {
  readonly text: string
  matches(name: string): boolean
}

/** No pattern needs to be longer than the longest name. */
const LONGEST = 255

type Token = { kind: 'char'; char: string } | { kind: 'any' } | { kind: 'part' } | { kind: 'all' }

/**
 * Reads a pattern for repository names and tags: `*` stands for any characters but `/`, `**` for any characters, `?`
 * for one character but `/`; everything else for itself. `undefined` when it is empty or too long.
 */
export function parsePattern(text: string): Pattern | undefined {
  if (text.length === 0 || text.length > LONGEST) return undefined
  const tokens = tokensOf(text)
  return { text, matches: (name) => run(tokens, name) }
}

/** Whether any of the patterns matches. */
export function matchesAny(patterns: readonly Pattern[], name: string): boolean {
  return patterns.some((pattern) => pattern.matches(name))
}

function tokensOf(text: string): Token[] {
  return (text.match(/\*\*+|./gsu) ?? []).map((piece): Token => {
    if (piece === '*') return { kind: 'part' }
    if (piece.startsWith('**')) return { kind: 'all' }
    return piece === '?' ? { kind: 'any' } : { kind: 'char', char: piece }
  })
}

/** Follows all ways through the pattern at once, so the time is at most pattern times name, whatever they are. */
function run(tokens: readonly Token[], name: string): boolean {
  let states = reach(tokens, [0])
  for (const char of name) {
    states = reach(tokens, [...new Set(states.flatMap((state) => step(tokens[state], state, char)))])
    if (states.length === 0) return false
  }
  return states.includes(tokens.length)
}

function step(token: Token | undefined, state: number, char: string): number[] {
  if (!token) return []
  if (token.kind === 'all') return [state]
  if (token.kind === 'part') return char === '/' ? [] : [state]
  if (token.kind === 'any') return char === '/' ? [] : [state + 1]
  return token.char === char ? [state + 1] : []
}

/** The states with those that are reached without a character: a star may stand for nothing. */
function reach(tokens: readonly Token[], states: readonly number[]): number[] {
  const found = new Set<number>()
  for (const start of states) {
    let state = start
    found.add(state)
    while (tokens[state]?.kind === 'part' || tokens[state]?.kind === 'all') found.add(++state)
  }
  return [...found]
}
