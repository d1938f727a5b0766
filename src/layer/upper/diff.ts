import { readdirSync } from 'node:fs'
import { type ByteString, type Job, silentJob } from '../../core/index.ts'
import type { Attributes, Entry } from '../entry.ts'
import type { FileTree } from '../file-tree.ts'
import { hostPath } from '../host-path.ts'
import { createMeter, type Meter } from '../meter.ts'
import { runPaced, type Steps } from '../steps.ts'
import { isWhiteoutName } from '../tree/builder.ts'
import { joinPath } from '../tree/path.ts'
import { Warnings } from '../tree/warnings.ts'
import type { FileSource, LayerWriter } from '../write.ts'
import { readUpperEntry, type UpperEntry } from './entry.ts'
import { isSameDirectory, isSameFile, redirectedPath } from './unchanged.ts'

/** What a diff needs to know. */
export interface DiffOptions {
  /** The layers below, without the upper directory. */
  lower: FileTree
  task?: string
}

/** A directory that is being walked. */
interface Frame {
  path: ByteString
  names: ByteString[]
  next: number
  /** The lower directory that shows through here. */
  lower: ByteString | undefined
  /** Whether that one has another path, so that all that shows must be written again. */
  moved: boolean
  /** Still to be written before anything in it, or `undefined`. */
  pending: Attributes | undefined
}

/**
 * Writes what an overlay's upper directory changes as the entries of a layer: whiteouts, opaque directories, renamed
 * directories (written anew) and files whose content stayed below included; hard links are kept. What was copied up
 * but is as it was, is left out, so that nothing done gives an empty layer; what did change comes with the directories
 * it is in. The root itself is not compared, as in Docker, and sockets are left out.
 */
export async function diffUpper(
  upper: string,
  writer: LayerWriter,
  options: DiffOptions,
  job: Job = silentJob,
): Promise<void> {
  const walk = new UpperWalk(upper, writer, options, job)
  await runPaced(walk.steps(), job)
}

const ROOT = '' as ByteString

class UpperWalk {
  readonly #upper: string
  readonly #writer: LayerWriter
  readonly #lower: FileTree
  readonly #warnings: Warnings
  readonly #meter: Meter
  readonly #links: Map<string, ByteString> = new Map()
  readonly #frames: Frame[] = []

  constructor(upper: string, writer: LayerWriter, options: DiffOptions, job: Job) {
    this.#upper = upper
    this.#writer = writer
    this.#lower = options.lower
    this.#warnings = new Warnings(job, options.task)
    this.#meter = createMeter(job, options.task)
    this.#open(ROOT, { lower: ROOT, moved: false, pending: undefined })
  }

  *steps(): Steps<void> {
    for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
      yield
      const name = frame.names[frame.next++]
      if (name !== undefined) this.#visit(frame, name)
      else {
        if (frame.moved) yield* this.#copyRest(frame)
        this.#frames.pop()
      }
    }
    this.#meter.end()
  }

  #open(path: ByteString, rest: Pick<Frame, 'lower' | 'moved' | 'pending'>): void {
    const names = readdirSync(hostPath(this.#upper, path), { encoding: 'latin1' }).sort() as ByteString[]
    this.#frames.push({ path, names, next: 0, ...rest })
  }

  #visit(frame: Frame, name: ByteString): void {
    const path = joinPath(frame.path, name)
    const entry = readUpperEntry(hostPath(this.#upper, path))
    const below = frame.lower === undefined ? undefined : this.#lower.stat(joinPath(frame.lower, name))
    if (entry.kind === 'whiteout') {
      if (below && !frame.moved) this.#announce().whiteout(path)
    } else if (entry.kind === 'socket')
      this.#warnings.add('LAYER_SOCKET_IGNORED', path, 'a socket is left out of the layer')
    else if (isWhiteoutName(name)) {
      this.#warnings.add(
        'LAYER_NAME_RESERVED',
        path,
        'left out of the layer: names that begin with ".wh." mark what is deleted',
      )
    } else if (entry.kind === 'directory') this.#enter(frame, path, entry, below)
    else if (frame.moved || !below || !isSameFile(entry, hostPath(this.#upper, path), below, this.#lower)) {
      this.#write(frame, path, entry, below)
    }
  }

  #enter(frame: Frame, path: ByteString, entry: UpperEntry, below: Entry | undefined): void {
    const from = entry.redirect === undefined ? below?.path : redirectedPath(entry.redirect, frame.lower)
    const origin = entry.opaque || from === undefined ? undefined : this.#lower.stat(from)
    const lower = origin?.kind === 'directory' ? origin.path : undefined
    const moved = lower !== undefined && (frame.moved || entry.redirect !== undefined)
    const pending = entry.attributes
    const isSame = lower !== undefined && !moved && isSameDirectory(entry, origin!)
    this.#open(path, { lower, moved, pending })
    if (isSame) return
    this.#announce()
    const hides = lower === undefined || moved
    if (hides && !frame.moved && this.#lower.stat(path)?.kind === 'directory') this.#writer.opaque(path)
  }

  /** Writes the directories that lead to where we are, as far as they are not written. */
  #announce(): LayerWriter {
    for (const frame of this.#frames) {
      if (frame.pending) this.#writer.directory(frame.path, frame.pending)
      frame.pending = undefined
    }
    return this.#writer
  }

  #write(frame: Frame, path: ByteString, entry: UpperEntry, below: Entry | undefined): void {
    const writer = this.#announce()
    const { attributes } = entry
    const first = entry.nlink > 1 ? this.#links.get(entry.identity) : undefined
    if (entry.nlink > 1 && first === undefined) this.#links.set(entry.identity, path)
    if (first !== undefined) writer.hardlink(path, first)
    else if (entry.kind === 'file') {
      this.#meter.add(entry.size)
      writer.file(path, attributes, this.#contentOf(frame, path, entry, below))
    } else writeSpecial(writer, path, attributes, entry)
  }

  #contentOf(frame: Frame, path: ByteString, entry: UpperEntry, below: Entry | undefined): FileSource {
    if (!entry.metacopy) return { hostPath: hostPath(this.#upper, path) }
    const from = entry.redirect === undefined ? below?.path : redirectedPath(entry.redirect, frame.lower)
    return { tree: this.#lower, path: from ?? path }
  }

  /** Of a renamed directory, what lies below only has to be written under its new name. */
  *#copyRest(frame: Frame): Steps<void> {
    const own = new Set(frame.names)
    const prefix = frame.lower! === '' ? 0 : frame.lower!.length + 1
    for (const entry of this.#lower.walk(frame.lower)) {
      yield
      const relative = entry.path.slice(prefix) as ByteString
      if (own.has(relative.split('/', 1)[0] as ByteString)) continue
      this.#copyLower(joinPath(frame.path, relative), entry)
    }
  }

  #copyLower(path: ByteString, entry: Entry): void {
    const { mode, uid, gid, mtime, xattrs } = entry
    const attributes = { mode, uid, gid, mtime, xattrs }
    const linked = entry.kind !== 'directory' && entry.nlink > 1
    const first = linked ? this.#links.get(`lower ${entry.inode}`) : undefined
    if (linked && first === undefined) this.#links.set(`lower ${entry.inode}`, path)
    if (first !== undefined) this.#writer.hardlink(path, first)
    else if (entry.kind === 'directory') this.#writer.directory(path, attributes)
    else if (entry.kind === 'file') this.#writer.file(path, attributes, { tree: this.#lower, path: entry.path })
    else writeSpecial(this.#writer, path, attributes, entry)
  }
}

/** Writes what has no content. */
function writeSpecial(
  writer: LayerWriter,
  path: ByteString,
  attributes: Attributes,
  entry: Pick<UpperEntry, 'kind' | 'link' | 'device'>,
): void {
  if (entry.kind === 'symlink') writer.symlink(path, attributes, entry.link!)
  else if (entry.kind === 'fifo') writer.fifo(path, attributes)
  else if (entry.kind === 'char' || entry.kind === 'block') writer.device(path, attributes, entry.kind, entry.device!)
}
