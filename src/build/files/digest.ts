import { type ByteString, createDigester, createPacer, type Digest, type Job } from '../../core/index.ts'
import type { FileLists } from './file-lists.ts'
import type { Selected } from './select.ts'

/**
 * One digest over names, kinds, modes, owners, links, devices, attributes and contents of files: what the result of a
 * COPY depends on. Times are left out: a fresh checkout of the same files has the same digest. `lists` gets to know
 * what the digest is of.
 */
export async function digestSelection(
  selection: readonly Selected[],
  lists: FileLists | undefined,
  job: Job,
): Promise<Digest> {
  const digester = createDigester()
  const pace = createPacer()
  const note = lists?.note()
  let lines = ''
  const take = (): void => {
    digester.update(Buffer.from(lines, 'latin1'))
    note?.add(lines)
    lines = ''
  }
  for (const selected of [...selection].sort((a, b) => order(a.name, b.name))) {
    const { source, entry } = selected
    const digest = entry.kind === 'file' ? source.digest(entry, job) : ''
    lines += line(selected, typeof digest === 'string' ? digest : await digest)
    if (lines.length > 1 << 16) take()
    const pause = pace()
    if (pause) await pause
  }
  take()
  const digest = digester.digest()
  note?.end(digest)
  return digest
}

function line({ entry, name }: Selected, content: string): string {
  const device = entry.device ? `${entry.device.major}:${entry.device.minor}` : ''
  const xattrs = [...(entry.xattrs ?? [])]
    .map(([key, value]) => `${key}=${Buffer.from(value).toString('base64')}`)
    .sort()
  const fields = [name, entry.kind, entry.mode.toString(8), entry.uid, entry.gid, entry.size, entry.link ?? '', device]
  return `${[...fields, content, ...xattrs].map((field) => escaped(String(field))).join('\t')}\n`
}

/** Names may hold tabs and newlines; fields must not run into one another. */
function escaped(field: string): string {
  return /[\t\n\\]/.test(field) ? field.replace(/[\t\n\\]/g, (c) => `\\${c.charCodeAt(0)};`) : field
}

const order = (a: ByteString, b: ByteString): number => (a < b ? -1 : a > b ? 1 : 0)
