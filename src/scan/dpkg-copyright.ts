import { toByteString } from '../core/index.ts'
import type { FileReader } from './files.ts'
import { linesOf } from './stanzas.ts'

const LARGEST = 1 << 20
const MOST_LICENSES = 100

/**
 * The licenses that a Debian package's copyright file names: those of its `License:` fields (copyright-format 1.0), else
 * the texts in /usr/share/common-licenses that it refers to.
 */
export function readCopyright(name: string, reader: FileReader): string[] {
  if (!/^[a-z0-9][a-z0-9+.-]*$/.test(name)) return []
  const text = reader.text(toByteString(`usr/share/doc/${name}/copyright`), LARGEST)
  return text === undefined ? [] : parseCopyright(text)
}

/** See `readCopyright`. Sorted, each once. */
export function parseCopyright(text: string): string[] {
  const [fields, texts] = [new Set<string>(), new Set<string>()]
  for (const line of linesOf(text)) {
    const field = /^License:\s*(\S.*)$/i.exec(line)?.[1]?.trim()
    if (field && field.length <= 200 && fields.size < MOST_LICENSES) fields.add(field)
    const file = /\/usr\/share\/common-licenses\/([A-Za-z0-9][A-Za-z0-9.+-]*)/.exec(line)?.[1]
    if (file && texts.size < MOST_LICENSES) texts.add(file.replace(/\.$/, ''))
  }
  return [...(fields.size > 0 ? fields : texts)].sort()
}
