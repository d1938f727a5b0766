import { closeSync, fsync, openSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import {
  asBuffer,
  type Bytes,
  checkCanceled,
  createDigester,
  createPacer,
  type Digest,
  type Digester,
  fail,
  type Job,
  silentJob,
} from '../core/index.ts'
import { decompressAs, peekCompression } from './compress/decompress.ts'
import type { Compression } from './compress/sniff.ts'
import { type IndexOptions, LayerIndexer, type LayerSummary } from './indexing.ts'
import { createMeter, type Meter } from './meter.ts'
import { runPaced } from './steps.ts'
import { writeAll } from './write-all.ts'

/** Where a layer goes on this host: temporary names, which the caller renames. */
export interface LayerFiles {
  tar: string
  index: string
}

/** A layer that came from elsewhere. */
export interface ImportedLayer extends LayerSummary {
  compression: Compression
  /** The bytes as they came. */
  compressed: { digest: Digest; size: number }
}

/** What is known of a layer before it comes. */
export interface ImportOptions extends IndexOptions {
  /** Bytes of the source. */
  total?: number
  /** The digest of the source, where whoever gives it verifies that: it is not made once more. */
  digest?: Digest
}

/** An archive that grows so much is worth a word. */
const BOMB_RATIO = 200
const BOMB_BYTES = 64 << 20

/**
 * Takes in a layer as it streams, compressed or not: in one pass, the plain archive is written and indexed, and both
 * digests are made. Both files are on the disk when it returns, and gone when it fails: with `COMPRESSION_INVALID`,
 * `TAR_INVALID`, `TAR_UNSUPPORTED`, `LAYER_ENTRY_REFUSED`, `LAYER_LINK_BROKEN`, `LAYER_LIMIT_EXCEEDED` or what the
 * source throws. With a `task`, progress is told in bytes of the source; `total` is their number, where it is known.
 */
export async function importLayer(
  source: Bytes,
  files: LayerFiles,
  options: ImportOptions = {},
  job: Job = silentJob,
): Promise<ImportedLayer> {
  try {
    return await runImport(source, files, options, job)
  } catch (error) {
    for (const path of [files.tar, files.index]) rmSync(path, { force: true })
    throw error
  }
}

async function runImport(source: Bytes, files: LayerFiles, options: ImportOptions, job: Job): Promise<ImportedLayer> {
  const meter = createMeter(job, options.task, options.total)
  const { compression, rest } = await peekCompression(meter.count(source))
  const digester = compression === 'none' || options.digest !== undefined ? undefined : createDigester()
  const bytes = decompressAs(compression, digester ? digested(rest, digester) : rest)
  const fd = openSync(files.tar, 'w', 0o600)
  try {
    const indexer = new LayerIndexer(files.tar, options, job)
    const isOurs = compression === 'gzip' || compression === 'zstd'
    const { diffId, size } = await writeArchive(bytes, fd, indexer, { job, meter, isOurs })
    const summary = await whileFlushing(fd, () => runPaced(indexer.finish(files.index, diffId, size), job))
    meter.end()
    const digest = compression === 'none' ? diffId : (options.digest ?? digester!.digest())
    const compressed = { digest, size: meter.done }
    return { ...summary, compression, compressed }
  } finally {
    closeSync(fd)
  }
}

const fsyncFile: (fd: number) => Promise<void> = promisify(fsync)

/** Works while the disk does. Returns when both are done, be it well or not. */
async function whileFlushing<T>(fd: number, work: () => Promise<T>): Promise<T> {
  const [flushed, worked] = await Promise.allSettled([fsyncFile(fd), work()])
  if (worked.status === 'rejected') throw worked.reason
  if (flushed.status === 'rejected') throw flushed.reason
  return worked.value
}

async function* digested(bytes: Bytes, digester: Digester): Bytes {
  for await (const chunk of bytes) {
    digester.update(chunk)
    yield chunk
  }
}

async function writeArchive(
  bytes: Bytes,
  fd: number,
  indexer: LayerIndexer,
  { job, meter, isOurs }: { job: Job; meter: Meter; isOurs: boolean },
): Promise<{ diffId: Digest; size: number }> {
  const digester = createDigester()
  const pace = createPacer()
  const limit = indexer.limits.bytes
  let size = 0
  for await (const chunk of bytes) {
    checkCanceled(job)
    size += chunk.length
    if (size > limit) throw tooLarge(limit)
    digester.update(chunk)
    writeAll(fd, chunk, null)
    indexer.parser.push(asBuffer(chunk))
    if (isOurs) giveBack(chunk)
    if (size > BOMB_BYTES && size > meter.done * BOMB_RATIO) warnOfRatio(indexer, size, meter)
    await pace()
  }
  indexer.parser.finish()
  return { diffId: digester.digest(), size }
}

/**
 * Frees what a decoder made, when all of its memory is this chunk: it never touches that again. The garbage collector,
 * which would have to find it, takes as long as the hashing otherwise.
 */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

function warnOfRatio(indexer: LayerIndexer, size: number, meter: Meter): void {
  const times = Math.round(size / meter.done)
  indexer.warnings.once('LAYER_RATIO', `the layer is more than ${BOMB_RATIO} times as large as it came (${times})`)
}

function tooLarge(limit: number): Error {
  return fail('LAYER_LIMIT_EXCEEDED', `the layer is larger than ${limit} bytes`, {
    data: { limit: 'bytes', allowed: limit },
  })
}
