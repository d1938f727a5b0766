/**
 * The line on which a key is set, counted from 1, or that of the nearest table around it; TOML parsers do not tell. An
 * entry of an array of tables is found by its number.
 */
export function lineOf(text: string, keys: readonly string[]): number | undefined {
  const lines = linesOfKeys(text)
  for (let length = keys.length; length > 0; length--) {
    const line = lines.get(keys.slice(0, length).join('.'))
    if (line !== undefined) return line
  }
  return undefined
}

/** Where each key and table stands, by its path: `webhook.1.url`. */
function linesOfKeys(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  const counts = new Map<string, number>()
  const note = (place: string, at: number): void => void (lines.has(place) || lines.set(place, at + 1))
  let table = ''
  for (const [at, line] of text.split('\n').entries()) {
    const [, brackets, name] = /^\s*(\[+)\s*([^\]]+?)\s*\]+/.exec(line) ?? []
    if (name !== undefined) {
      table = numbered(name.replace(/["'\s]/g, ''), counts, brackets === '[[')
      note(table, at)
      continue
    }
    const key = /^\s*([A-Za-z0-9_."'-]+)\s*=/.exec(line)?.[1]
    if (key !== undefined) note([table, key.replace(/["']/g, '')].filter(Boolean).join('.'), at)
  }
  return lines
}

/** A table's path with the number of the latest entry of each array of tables on it; `isEntry` begins a new one. */
function numbered(name: string, counts: Map<string, number>, isEntry: boolean): string {
  let place = ''
  const parts = name.split('.')
  for (const [at, part] of parts.entries()) {
    place = place === '' ? part : `${place}.${part}`
    if (isEntry && at === parts.length - 1) counts.set(place, (counts.get(place) ?? -1) + 1)
    const count = counts.get(place)
    if (count !== undefined) place = `${place}.${count}`
  }
  return place
}
