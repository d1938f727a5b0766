const SPACE = /[ \t\r\n]*/y
const TOKEN =
  /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:,]/y

/** What may come next inside of an object, an array, or the document. */
type State = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'after'

/**
 * The offset at which a text stops being JSON; its length when it ends too early, `undefined` when it is JSON. The
 * platform's parser says this for some texts only, and repeats what it found, which may be a password.
 */
export function jsonErrorOffset(text: string): number | undefined {
  const open: ('{' | '[')[] = []
  let state: State = 'value'
  for (let offset = 0; ; ) {
    SPACE.lastIndex = offset
    offset += SPACE.exec(text)![0].length
    if (offset === text.length) return state === 'after' && open.length === 0 ? undefined : offset
    TOKEN.lastIndex = offset
    const token = TOKEN.exec(text)?.[0]
    const next: State | undefined = token === undefined ? undefined : step(state, token, open)
    if (next === undefined) return offset
    state = next
    offset += token!.length
  }
}

/** The state after a token, or nothing where the token may not stand. Keeps account of what is open. */
function step(state: State, token: string, open: ('{' | '[')[]): State | undefined {
  const inside = open.at(-1)
  if (state === 'after') {
    if (inside === undefined) return undefined
    if (token === ',') return inside === '{' ? 'key' : 'value'
    return token === (inside === '{' ? '}' : ']') ? close(open) : undefined
  }
  if (state === 'colon') return token === ':' ? 'value' : undefined
  if (state === 'key' || state === 'key or }') {
    if (token.startsWith('"')) return 'colon'
    return token === '}' && state === 'key or }' ? close(open) : undefined
  }
  if (token === '{' || token === '[') {
    open.push(token)
    return token === '{' ? 'key or }' : 'value or ]'
  }
  if (token === ']' && state === 'value or ]') return close(open)
  return /^[}\]:,]$/.test(token) ? undefined : 'after'
}

function close(open: ('{' | '[')[]): State {
  open.pop()
  return 'after'
}
