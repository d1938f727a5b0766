import { type Bytes, checkCanceled, fail, type Job, silentJob } from '../../core/index.ts'
import { quoteName } from '../limits.ts'
import { encodeTarHeader, TAR_END, type TarInput } from './encode.ts'
import { paddingOf } from './parser.ts'

/** An entry and, for a file, exactly `size` bytes of content. */
export interface TarSource {
  entry: TarInput
  body?: Bytes
}

/**
 * Writes a tar archive of the given entries, in the given order: ustar, with PAX headers where ustar is too small.
 * The same entries give the same bytes. Fails with `TAR_INVALID` when a body is not as long as its entry says.
 */
export async function* writeTar(
  sources: Iterable<TarSource> | AsyncIterable<TarSource>,
  job: Job = silentJob,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const { entry, body } of sources) {
    checkCanceled(job)
    yield encodeTarHeader(entry)
    const size = entry.size ?? 0
    let written = 0
    if (body) {
      for await (const chunk of body) {
        checkCanceled(job)
        written += chunk.length
        if (written > size) break
        yield chunk
      }
    }
    if (written !== size) throw wrongSize(entry, size)
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size))
  }
  yield TAR_END
}

function wrongSize(entry: TarInput, size: number): Error {
  return fail(
    'TAR_INVALID',
    `the content of ${quoteName(entry.name)} is not as long as the ${size} bytes declared for it`,
  )
}
