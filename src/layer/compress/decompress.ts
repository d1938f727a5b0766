import zlib from 'node:zlib'
import { asBuffer, type Bytes, fail, messageOf } from '../../core/index.ts'
import { runProgram } from './program.ts'
import { type Compression, SNIFF_BYTES, sniffCompression } from './sniff.ts'
import { splitZstdFrames } from './zstd-frames.ts'

/** Output is made in pieces of this size: small ones cost a thread switch each. */
const CHUNK = 1 << 20
/** `xz -9` needs 65 MiB to be read. */
const XZ_ARGUMENTS = ['-dc', '--memlimit-decompress=256MiB']

/**
 * Finds out how `bytes` are compressed and gives what they hold. Several gzip members or zstd frames in a row are one
 * stream, and zeros may fill up the end of gzip. The stream fails with `COMPRESSION_INVALID` when it is damaged, cut,
 * or followed by anything else, and with `COMPRESSION_PROGRAM_MISSING` when bzip2 or xz is needed and not installed.
 */
export async function decompress(bytes: Bytes): Promise<{ compression: Compression; bytes: Bytes }> {
  const { compression, rest } = await peekCompression(bytes)
  return { compression, bytes: decompressAs(compression, rest) }
}

/** Finds out how bytes are compressed, and gives them back as they are. */
export async function peekCompression(bytes: Bytes): Promise<{ compression: Compression; rest: Bytes }> {
  const { head, rest } = await peek(bytes)
  return { compression: sniffCompression(head), rest }
}

/** What compressed bytes hold. */
export function decompressAs(compression: Compression, bytes: Bytes): Bytes {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return throughZlib(bytes, zlib.createGunzip({ chunkSize: CHUNK }), 'gzip')
    case 'zstd':
      return throughZlib(splitZstdFrames(bytes), zlib.createZstdDecompress({ chunkSize: CHUNK }), 'zstd')
    default:
      return runProgram(compression, compression === 'xz' ? XZ_ARGUMENTS : ['-dc'], bytes)
  }
}

/** The first bytes of a stream, and the stream with them put back. */
async function peek(bytes: Bytes): Promise<{ head: Buffer; rest: Bytes }> {
  const source = bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < SNIFF_BYTES) {
    const { value, done } = await source.next()
    if (done) break
    chunks.push(value)
    length += value.length
  }
  return { head: Buffer.concat(chunks), rest: resume(chunks, source) }
}

async function* resume(chunks: Uint8Array[], source: AsyncIterator<Uint8Array>): Bytes {
  try {
    yield* chunks
    for (;;) {
      const { value, done } = await source.next()
      if (done) return
      yield value
    }
  } finally {
    await source.return?.()
  }
}

async function* throughZlib(bytes: Bytes, engine: zlib.Gunzip | zlib.ZstdDecompress, name: string): Bytes {
  const fed = feed(bytes, engine).catch((error: unknown) => void engine.destroy(error as Error))
  try {
    for await (const chunk of engine) yield chunk as Buffer
    await fed
    if (engine.errored) throw engine.errored
  } catch (error) {
    throw isZlibError(error) ? invalid(name, messageOf(error), error) : error
  } finally {
    engine.destroy()
  }
}

/**
 * Node's decoders end at the end of the last member and silently drop what follows it in zeros; so what they do not
 * take is looked at here.
 */
async function feed(bytes: Bytes, engine: zlib.Gunzip | zlib.ZstdDecompress): Promise<void> {
  let given = 0
  let ended = false
  for await (const chunk of bytes) {
    if (!ended) await write(engine, chunk)
    const taken = engine.bytesWritten - given
    given += chunk.length
    ended ||= taken < chunk.length
    const rest = ended ? asBuffer(chunk).subarray(Math.max(taken, 0)) : EMPTY
    if (rest.some((byte) => byte !== 0)) throw invalid('compressed', 'there is something behind the end of it')
  }
  engine.end()
}
const EMPTY = Buffer.alloc(0)

function write(engine: zlib.Gunzip | zlib.ZstdDecompress, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    engine.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}

function isZlibError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' && (code.startsWith('Z_') || code.startsWith('ZSTD_'))
}

function invalid(name: string, why: string, cause?: unknown): Error {
  return fail('COMPRESSION_INVALID', `invalid ${name} data: ${why}`, { cause })
}
