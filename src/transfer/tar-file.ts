import { randomBytes } from 'node:crypto'
import { type FileHandle, open, stat, unlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {
  asBuffer,
  type ByteRange,
  type Bytes,
  checkCanceled,
  collectBytes,
  errnoOf,
  fail,
  fromByteString,
  type Job,
  messageOf,
  runTask,
  type SlipwayError,
} from '../core/index.ts'
import {
  DEFAULT_LAYER_LIMITS,
  decompress,
  type LayerLimits,
  sniffCompression,
  type TarEntry,
  TarParser,
} from '../layer/index.ts'
import { readFrom } from './regular-file.ts'

/** A file in an archive, as a stretch of the archive. */
export interface TarFileMember {
  readonly offset: number
  readonly size: number
}

type Node =
  | { kind: 'file'; offset: number; size: number; again: boolean }
  | { kind: 'sparse' }
  | { kind: 'link'; target: string | undefined }

/** Archives of images have few and short names; a million of them is a bomb. */
const LIMITS: LayerLimits = { ...DEFAULT_LAYER_LIMITS, entries: 100_000, paxBytes: 64 << 10 }
const LONGEST_NAME = 1024
const MOST_LINKS = 16
/** Bytes of one look at a header: a few small members at once, little of a large one. */
const LOOK = 32 << 10

/** An archive that is read more than once, here and there: an open file, and where in it the members lie. */
export class TarFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #names: ReadonlyMap<string, Node>

  constructor(file: FileHandle, names: ReadonlyMap<string, Node>) {
    this.#file = file
    this.#names = names
  }

  /**
   * The file of a name, through links inside of the archive. A name or link that leads out of it, a loop, and a file
   * that is there twice, when it must be `unique`, fail with `ARCHIVE_INVALID`.
   */
  find(name: string, options: { unique?: boolean } = {}): TarFileMember | undefined {
    let at = inside(name)
    for (let links = 0; links <= MOST_LINKS; links++) {
      if (at === undefined) throw invalid(`${quoted(name)} leads out of the archive`)
      const node = this.#names.get(at)
      if (!node) return undefined
      if (node.kind === 'sparse') throw invalid(`${quoted(name)} is a sparse file`)
      if (node.kind === 'file') {
        if (options.unique && node.again) throw invalid(`${quoted(name)} is in the archive more than once`)
        return { offset: node.offset, size: node.size }
      }
      at = node.target
    }
    throw invalid(`${quoted(name)} is a loop of links`)
  }

  /** Bytes of a member, or of a range of it. */
  read(member: TarFileMember, range: ByteRange, job: Job): Bytes {
    const end = Math.min(range.end ?? member.size, member.size)
    return readFrom(this.#file, { start: member.offset + range.start, end: member.offset + end }, job)
  }

  /** A member that must be small, whole. Fails with `ARCHIVE_INVALID` when it is larger than `limit` bytes. */
  async readWhole(member: TarFileMember, { name, limit }: { name: string; limit: number }, job: Job): Promise<Buffer> {
    const tooLarge = (): Error => invalid(`${quoted(name)} is larger than ${limit} bytes`)
    if (member.size > limit) throw tooLarge()
    return collectBytes(this.read(member, { start: 0 }, job), limit, tooLarge)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/**
 * Opens an archive. A plain one on disk is read where it lies, header by header; a compressed one, or one that comes as
 * a stream, goes to a file without a name in `temporary` first. Fails with `ARCHIVE_INVALID` and `TAR_INVALID`.
 */
export async function openTarFile(input: string | Bytes, options: { temporary?: string }, job: Job): Promise<TarFile> {
  const temporary = options.temporary ?? os.tmpdir()
  if (typeof input !== 'string') return spool(input, temporary, job)
  const file = await openArchive(input)
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(16)
    await file.read(head, 0, head.length, 0)
    if (sniffCompression(head) === 'none') return new TarFile(file, await indexFile(file, size, job))
    const spooled = await spool(readFrom(file, { start: 0 }, job), temporary, job)
    await file.close()
    return spooled
  } catch (error) {
    await file.close()
    throw error
  }
}

async function openArchive(name: string): Promise<FileHandle> {
  try {
    const stats = await stat(name)
    if (stats.isFile()) return await open(name, 'r')
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT'
    const what = missing ? `open ${name}: no such file or directory` : `open ${name}: ${messageOf(error)}`
    throw fail('ARCHIVE_INVALID', what, { cause: error })
  }
  throw fail('ARCHIVE_INVALID', `open ${name}: it is not a file`)
}

/** Collects the names of an archive while it is parsed. */
function collectNames(names: Map<string, Node>): TarParser {
  let members = 0
  return new TarParser(
    {
      entry: (entry, offset) => {
        if (++members > LIMITS.entries) throw invalid(`it has more than ${LIMITS.entries} members`)
        const name = entry.name.length > LONGEST_NAME ? undefined : inside(fromByteString(entry.name))
        const node = name ? nodeOf(entry, name, offset) : undefined
        if (!name || !node) return
        if (node.kind === 'file' && names.has(name)) node.again = true
        names.set(name, node)
      },
    },
    LIMITS,
  )
}

function nodeOf(entry: TarEntry, name: string, offset: number): Node | undefined {
  const link = fromByteString(entry.link)
  if (entry.type === 'file')
    return entry.sparse ? { kind: 'sparse' } : { kind: 'file', offset, size: entry.size, again: false }
  if (entry.type === 'hardlink') return { kind: 'link', target: inside(link) }
  if (entry.type !== 'symlink') return undefined
  return { kind: 'link', target: link.startsWith('/') ? undefined : inside(link, path.posix.dirname(name)) }
}

/** Reads the headers of a plain archive and passes over what is between them. */
async function indexFile(file: FileHandle, size: number, job: Job): Promise<Map<string, Node>> {
  const names = new Map<string, Node>()
  const parser = collectNames(names)
  const buffer = Buffer.allocUnsafe(LOOK)
  for (let at = 0; at < size; ) {
    checkCanceled(job)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) break
    parser.push(buffer.subarray(0, bytesRead))
    at += bytesRead
    const skip = Math.min(parser.skippable, size - at)
    parser.skip(skip)
    at += skip
  }
  parser.finish()
  return names
}

/** Writes an archive, decompressed, to a file that is gone when it is closed, and notes its names on the way. */
async function spool(input: Bytes, temporary: string, job: Job): Promise<TarFile> {
  const name = path.join(temporary, `slipway-archive-${randomBytes(8).toString('hex')}`)
  const file = await open(name, 'wx+', 0o600).catch((error: unknown) => {
    throw fail('COPY_FAILED', `cannot write to ${temporary}: ${messageOf(error)}`, { cause: error })
  })
  try {
    await unlink(name)
    const names = await runTask(job, { id: name, name: 'reading the archive' }, () => spoolInto(file, name, input, job))
    return new TarFile(file, names)
  } catch (error) {
    await file.close()
    throw error
  }
}

async function spoolInto(file: FileHandle, task: string, input: Bytes, job: Job): Promise<Map<string, Node>> {
  const names = new Map<string, Node>()
  const parser = collectNames(names)
  const { bytes } = await decompress(input)
  let done = 0
  let reported = 0
  for await (const chunk of bytes) {
    checkCanceled(job)
    // what follows the end of the archive is read, so that its writer can end, but not kept
    if (parser.skippable !== Number.POSITIVE_INFINITY) await append(file, chunk)
    parser.push(asBuffer(chunk))
    done += chunk.length
    if (done > LIMITS.bytes) throw invalid(`it has more than ${LIMITS.bytes} bytes`)
    if (done - reported < 16 << 20) continue
    reported = done
    job.progress({ type: 'bytes', task, done })
  }
  parser.finish()
  return names
}

async function append(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at).catch((error: unknown) => {
      throw fail('COPY_FAILED', `cannot keep the archive for reading: ${messageOf(error)}`, {
        cause: error,
        hint: 'Name a folder with more space in TMPDIR.',
      })
    })
    at += bytesWritten
  }
}

/** The one spelling of a name in an archive, from `folder` on, or `undefined` when it leads out of the archive. */
function inside(name: string, folder = ''): string | undefined {
  const parts: string[] = []
  for (const part of `${folder}/${name}`.split('/')) {
    if (part === '..' && parts.pop() === undefined) return undefined
    if (part !== '' && part !== '.' && part !== '..') parts.push(part)
  }
  return parts.join('/')
}

function invalid(message: string): SlipwayError {
  return fail('ARCHIVE_INVALID', `invalid image archive: ${message}`)
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}
