import { toByteString } from '../core/index.ts'
import type { FileReader } from './files.ts'
import type { Distribution } from './package.ts'
import { linesOf } from './stanzas.ts'

// os-release(5): the first that is there counts
const PLACES = ['etc/os-release', 'usr/lib/os-release'].map(toByteString)
const LARGEST = 64 << 10

/** The distribution of an image; `undefined` when it does not say. */
export function readOsRelease(reader: FileReader): Distribution | undefined {
  for (const place of PLACES) {
    const text = reader.text(place, LARGEST)
    if (text !== undefined) return parseOsRelease(text)
  }
  return undefined
}

/** Reads os-release(5): assignments of a shell, of which only plain and quoted values occur. */
export function parseOsRelease(text: string): Distribution | undefined {
  const values = new Map<string, string>()
  for (const line of linesOf(text)) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line)
    if (match) values.set(match[1]!, unquote(match[2]!.trim()))
  }
  const id = values.get('ID')
  if (!id || !/^[a-z0-9._-]+$/.test(id)) return undefined
  const [version, prettyName] = [values.get('VERSION_ID'), values.get('PRETTY_NAME')]
  return { id, ...(version ? { version } : {}), ...(prettyName ? { prettyName } : {}) }
}

function unquote(text: string): string {
  const quote = text[0]
  if ((quote !== '"' && quote !== "'") || text.at(-1) !== quote || text.length < 2) return text
  return text.slice(1, -1).replace(/\\(["$`\\])/g, '$1')
}
