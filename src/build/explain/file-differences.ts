import { type ByteString, fromByteString } from '../../core/index.ts'

/** What a key knows of one file. */
export interface FileFacts {
  kind: string
  /** Bytes. */
  size: number
  /** Octal. */
  mode: string
  uid: number
  gid: number
  digest?: string
  /** Where a symlink points. */
  link?: string
}

/** A file that is there, not there, or another one than in an earlier build. */
export interface FileDifference {
  part: 'file'
  /** Its path. */
  name: string
  /** Where it is mounted from: the target of the mount. */
  mount?: string
  change: 'added' | 'removed' | 'changed'
  old?: FileFacts
  new?: FileFacts
}

/** What differs between two lists of files (`FileLists`), by path. `source` is what was copied, where that is one path. */
export function differingFiles(old: string, now: string, source: string | undefined): FileDifference[] {
  const [before, after] = [linesOf(old), linesOf(now)]
  const isFolder = after.has('') || before.has('')
  const found: FileDifference[] = []
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [one, other] = [before.get(name), after.get(name)]
    if (one === other) continue
    const change = one === undefined ? 'added' : other === undefined ? 'removed' : 'changed'
    const facts = { ...(one ? { old: factsOf(one) } : {}), ...(other ? { new: factsOf(other) } : {}) }
    found.push({ part: 'file', name: pathOf(name, source, isFolder), change, ...facts })
  }
  return found
}

/** Lines by their first field, the name. One name can occur twice, when it was copied from two places. */
function linesOf(list: string): Map<string, string> {
  const lines = new Map<string, string>()
  for (const line of list.split('\n')) {
    if (line === '') continue
    const name = line.slice(0, line.indexOf('\t'))
    const known = lines.get(name)
    lines.set(name, known === undefined ? line : `${known}\n${line}`)
  }
  return lines
}

function factsOf(line: string): FileFacts {
  const [, kind = '', mode = '', uid, gid, size, link, , digest] = line.split('\n').at(-1)!.split('\t').map(unescaped)
  return {
    kind,
    mode,
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    ...(digest ? { digest } : {}),
    ...(link ? { link: fromByteString(link as ByteString) } : {}),
  }
}

function pathOf(name: string, source: string | undefined, isFolder: boolean): string {
  const shown = fromByteString(unescaped(name) as ByteString)
  const from = source?.replace(/^\.?\/+|\/+$/g, '').replace(/^\.$/, '')
  if (from === undefined) return shown
  if (!isFolder) return from
  return [from, shown].filter((part) => part !== '').join('/') || '.'
}

const unescaped = (field: string): string =>
  field.replace(/\\(\d{1,3});/g, (_, code: string) => String.fromCharCode(Number(code)))
