import { type BigIntStats, closeSync, readSync } from 'node:fs'
import {
  type ByteString,
  byteStringFromBuffer,
  byteStringToBuffer,
  checkCanceled,
  createDigester,
  createPacer,
  type Digest,
  digestHex,
  digestOf,
  type Job,
} from '../../core/index.ts'
import type { MemoStore } from '../../store/index.ts'
import { openAt } from './open-at.ts'

/** By what a file is known to be unchanged. */
export type FileState = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino'>

/** A file's digest with the marks by which an unchanged file is known again. */
interface Known {
  size: number
  mtimeNs: bigint
  ctimeNs: bigint
  inode: bigint
  digest: Digest
}

const KIND = 'file-digests'
const FORGET_AFTER = 30 * 24 * 3600_000
const CHUNK = 1 << 20

// A file that was written just before it was read may be written again without its times moving on. Its digest is not
// remembered unless this much time lies between: ticks of a fine clock, or of one that counts whole seconds.
const FINE_TICK = 50_000_000n
const COARSE_TICK = 2_000_000_000n

/**
 * Digests of the files of one folder, remembered between builds: an unchanged file (same size, times to the
 * nanosecond, inode) is not read again. The change time cannot be set by a program, so a touched-up file is noticed.
 */
export class FileDigests {
  readonly #memos: MemoStore
  readonly #folder: string
  #known: Map<ByteString, Known> | undefined
  readonly #seen = new Map<ByteString, Known>()
  #changed = false
  readonly #buffer: Buffer = Buffer.allocUnsafe(CHUNK)

  constructor(memos: MemoStore, folder: string) {
    this.#memos = memos
    this.#folder = folder
  }

  /** The digest of the file at `hostPath`, whose state is `stat`. */
  get(path: ByteString, hostPath: string | Buffer, stat: FileState, job: Job): Digest | Promise<Digest> {
    this.#known ??= decode(this.#memos.get(KIND, this.#folder))
    const known = this.#seen.get(path) ?? this.#known.get(path)
    if (known && isUnchanged(known, stat)) {
      this.#seen.set(path, known)
      return known.digest
    }
    if (stat.size <= CHUNK) return this.#learn(path, stat, this.#digestSmall(hostPath, path))
    return digestLarge(hostPath, path, job).then((digest) => this.#learn(path, stat, digest))
  }

  /** Remembers what was learnt, for the next build. */
  save(): void {
    if (!this.#changed) return
    const all = new Map([...(this.#known ?? []), ...this.#seen])
    this.#memos.set(KIND, this.#folder, encode(all))
    this.#memos.forgetOlder(KIND, FORGET_AFTER)
    this.#changed = false
  }

  #learn(path: ByteString, stat: FileState, digest: Digest): Digest {
    const { mtimeNs, ctimeNs, ino } = stat
    if (isSettled(stat)) {
      this.#seen.set(path, { size: Number(stat.size), mtimeNs, ctimeNs, inode: ino, digest })
      this.#changed = true
    }
    return digest
  }

  #digestSmall(hostPath: string | Buffer, path: ByteString): Digest {
    const fd = openAt(hostPath, path)
    try {
      let length = 0
      for (let n = -1; n !== 0 && length < CHUNK; length += n)
        n = readSync(fd, this.#buffer, length, CHUNK - length, null)
      return digestOf(this.#buffer.subarray(0, length))
    } finally {
      closeSync(fd)
    }
  }
}

function isUnchanged(known: Known, stat: FileState): boolean {
  return (
    known.mtimeNs === stat.mtimeNs &&
    known.ctimeNs === stat.ctimeNs &&
    known.size === Number(stat.size) &&
    known.inode === stat.ino
  )
}

function isSettled(stat: FileState): boolean {
  const latest = stat.mtimeNs > stat.ctimeNs ? stat.mtimeNs : stat.ctimeNs
  const tick = stat.ctimeNs % 1_000_000_000n === 0n ? COARSE_TICK : FINE_TICK
  return latest + tick < BigInt(Date.now()) * 1_000_000n
}

async function digestLarge(hostPath: string | Buffer, path: ByteString, job: Job): Promise<Digest> {
  const digester = createDigester()
  const pace = createPacer()
  const buffer = Buffer.allocUnsafe(CHUNK)
  const fd = openAt(hostPath, path)
  try {
    for (let n = readSync(fd, buffer, 0, CHUNK, null); n > 0; n = readSync(fd, buffer, 0, CHUNK, null)) {
      digester.update(buffer.subarray(0, n))
      checkCanceled(job)
      await pace()
    }
    return digester.digest()
  } finally {
    closeSync(fd)
  }
}

// One record: path length (u16), path, size (f64), mtime, ctime, inode (u64 each), sha256 (32 bytes). Little-endian.
const FIXED = 2 + 8 * 4 + 32

function encode(known: Map<ByteString, Known>): Buffer {
  const paths = [...known.keys()]
  const buffer = Buffer.allocUnsafe(paths.reduce((size, path) => size + FIXED + path.length, 0))
  let at = 0
  for (const [path, entry] of known) {
    at = buffer.writeUInt16LE(path.length, at)
    at += byteStringToBuffer(path).copy(buffer, at)
    at = buffer.writeDoubleLE(entry.size, at)
    at = buffer.writeBigInt64LE(entry.mtimeNs, at)
    at = buffer.writeBigInt64LE(entry.ctimeNs, at)
    at = buffer.writeBigUInt64LE(entry.inode, at)
    at += buffer.write(digestHex(entry.digest), at, 'hex')
  }
  return buffer
}

function decode(bytes: Uint8Array | undefined): Map<ByteString, Known> {
  const known = new Map<ByteString, Known>()
  if (!bytes) return known
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < buffer.length; ) {
    const length = buffer.readUInt16LE(at)
    const path = byteStringFromBuffer(buffer, at + 2, at + 2 + length)
    const rest = at + 2 + length
    known.set(path, {
      size: buffer.readDoubleLE(rest),
      mtimeNs: buffer.readBigInt64LE(rest + 8),
      ctimeNs: buffer.readBigInt64LE(rest + 16),
      inode: buffer.readBigUInt64LE(rest + 24),
      digest: `sha256:${buffer.toString('hex', rest + 32, rest + 64)}`,
    })
    at += FIXED + length
  }
  return known
}
