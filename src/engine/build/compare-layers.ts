import type { Bytes, Digest, Job } from '../../core/index.ts'
import { readTar, type TarEntry, type TarMember } from '../../layer/index.ts'
import type { Store } from '../../store/index.ts'

/** The first file in which two layers differ. */
export interface FileDifference {
  /** Its path, as bytes: one character each. */
  path: string
  what:
    | 'only in the first'
    | 'only in the second'
    | 'type'
    | 'mode'
    | 'owner'
    | 'mtime'
    | 'size'
    | 'link'
    | 'attributes'
    | 'content'
  /** As text, before and after. */
  first?: string
  second?: string
  /** Where the content begins to differ, in bytes. */
  offset?: number
}

/**
 * Reads two layers side by side up to the first difference; `undefined` when only the form of the archives differs. A
 * time counts only when nothing else differs: it follows from all the rest.
 */
export async function compareLayers(
  store: Store,
  layers: { first: Digest; second: Digest },
  job: Job,
): Promise<FileDifference | undefined> {
  const open = (diffId: Digest): AsyncGenerator<TarMember> => readTar(store.blobs.read(diffId, undefined, job), {}, job)
  const [left, right] = [open(layers.first), open(layers.second)]
  let time: FileDifference | undefined
  try {
    for (;;) {
      const [a, b] = [await left.next(), await right.next()]
      if (a.done || b.done) return a.done === b.done ? time : onlyOne(a.value, b.value)
      const found = compareEntries(a.value.entry, b.value.entry) ?? (await compareContent(a.value, b.value))
      if (found) return found
      time ??= compareTimes(a.value.entry, b.value.entry)
    }
  } finally {
    await left.return(undefined)
    await right.return(undefined)
  }
}

function onlyOne(first: TarMember | undefined, second: TarMember | undefined): FileDifference {
  const what = first ? 'only in the first' : 'only in the second'
  return { path: (first ?? second)!.entry.name, what }
}

function compareEntries(a: TarEntry, b: TarEntry): FileDifference | undefined {
  if (a.name !== b.name) {
    // archives are in order: the name that comes first is missing in the other one
    return a.name < b.name ? { path: a.name, what: 'only in the first' } : { path: b.name, what: 'only in the second' }
  }
  const aspects: [FileDifference['what'], (entry: TarEntry) => string][] = [
    ['type', ({ type }) => type],
    ['mode', ({ mode }) => mode.toString(8).padStart(4, '0')],
    ['owner', ({ uid, gid }) => `${uid}:${gid}`],
    ['size', ({ size }) => String(size)],
    ['link', ({ link, device }) => link || `${device.major}:${device.minor}`],
    ['attributes', ({ xattrs }) => [...(xattrs ?? [])].map(([name, value]) => `${name}=${hex(value)}`).join(' ')],
  ]
  for (const [what, of] of aspects) {
    const [first, second] = [of(a), of(b)]
    if (first !== second) return { path: a.name, what, first, second }
  }
  return undefined
}

function compareTimes(a: TarEntry, b: TarEntry): FileDifference | undefined {
  const [first, second] = [timeOf(a.mtime), timeOf(b.mtime)]
  return first === second ? undefined : { path: a.name, what: 'mtime', first, second }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function timeOf({ seconds, nanoseconds }: TarEntry['mtime']): string {
  return nanoseconds === 0 ? String(seconds) : `${seconds}.${String(nanoseconds).padStart(9, '0')}`
}

async function compareContent(a: TarMember, b: TarMember): Promise<FileDifference | undefined> {
  if (a.entry.type !== 'file') return undefined
  const offset = await firstDifference(a.body, b.body)
  return offset === undefined ? undefined : { path: a.entry.name, what: 'content', offset }
}

/** Where two streams begin to differ; they may come in different pieces. */
export async function firstDifference(a: Bytes, b: Bytes): Promise<number | undefined> {
  const [left, right] = [a[Symbol.asyncIterator](), b[Symbol.asyncIterator]()]
  let [x, y] = [Buffer.alloc(0), Buffer.alloc(0)]
  for (let offset = 0; ; ) {
    if (x.length === 0) x = await nextPiece(left)
    if (y.length === 0) y = await nextPiece(right)
    const length = Math.min(x.length, y.length)
    if (length === 0) return x.length === y.length ? undefined : offset
    if (!x.subarray(0, length).equals(y.subarray(0, length))) return offset + differingByte(x, y)
    offset += length
    ;[x, y] = [x.subarray(length), y.subarray(length)]
  }
}

/** Empty at the end. */
async function nextPiece(pieces: AsyncIterator<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  for (;;) {
    const { value, done } = await pieces.next()
    if (done) return Buffer.alloc(0)
    if (value.length > 0) return Buffer.from(value)
  }
}

function differingByte(x: Buffer, y: Buffer): number {
  let at = 0
  while (x[at] === y[at]) at++
  return at
}
