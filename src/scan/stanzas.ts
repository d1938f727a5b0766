/** One stanza of a control file: values by field name in lower case, continuation lines joined by line feeds. */
export type Stanza = ReadonlyMap<string, string>

/** The longest value that is kept of a field; the rest of it is dropped. */
const LONGEST_VALUE = 4096

/** Stanzas of a Debian control file (deb822), or the one header of a Python METADATA file with `only: 1`. */
export function* readStanzas(text: string, options: { only?: number } = {}): Generator<Stanza> {
  let stanza = new Map<string, string>()
  let field = ''
  let count = 0
  for (const line of linesOf(text)) {
    if (line.trim() === '') {
      if (stanza.size > 0) {
        yield stanza
        if (++count === options.only) return
      }
      stanza = new Map()
      field = ''
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      const value = stanza.get(field)
      if (value !== undefined && value.length < LONGEST_VALUE)
        stanza.set(field, `${value}\n${line.trim()}`.slice(0, LONGEST_VALUE))
    } else field = addField(stanza, line)
  }
  if (stanza.size > 0) yield stanza
}

/** Adds the field of a line, unless it is there already: the first of several counts. */
function addField(stanza: Map<string, string>, line: string): string {
  const cut = line.indexOf(':')
  if (cut <= 0) return ''
  const name = line.slice(0, cut).toLowerCase()
  if (stanza.has(name)) return ''
  stanza.set(name, line.slice(cut + 1, cut + 1 + LONGEST_VALUE).trim())
  return name
}

/** The lines of a text one by one, so that a large file is not there twice. */
export function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const stop = end < 0 ? text.length : end
    yield text.slice(at, text[stop - 1] === '\r' && stop > at ? stop - 1 : stop)
    at = stop + 1
  }
}
