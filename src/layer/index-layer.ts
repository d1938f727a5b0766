import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { checkCanceled, createDigester, createPacer, type Digest, type Job, silentJob } from '../core/index.ts'
import { type IndexOptions, LayerIndexer, type LayerSummary } from './indexing.ts'
import { createMeter } from './meter.ts'
import { runPaced } from './steps.ts'

const BUFFER = 1 << 20

/**
 * Makes the index of a layer's archive that is on this disk: for one that was lost or is of an older version, or to
 * resolve with `parent` what the layer alone cannot know. With a `diffId`, which the caller knows to be right, the
 * contents of large files are not read. Fails as `importLayer` does; the archive is left as it is.
 */
export async function indexLayer(
  tar: string,
  index: string,
  options: IndexOptions & { diffId?: Digest } = {},
  job: Job = silentJob,
): Promise<LayerSummary> {
  const indexer = new LayerIndexer(tar, options, job)
  const digester = options.diffId === undefined ? createDigester() : undefined
  const buffer = Buffer.allocUnsafe(BUFFER)
  const pace = createPacer()
  const fd = openSync(tar, 'r')
  try {
    const { size } = fstatSync(fd)
    const meter = createMeter(job, options.task, size)
    for (let at = 0; at < size; ) {
      checkCanceled(job)
      const chunk = buffer.subarray(0, readSync(fd, buffer, 0, BUFFER, at))
      if (chunk.length === 0) break
      digester?.update(chunk)
      indexer.parser.push(chunk)
      at += chunk.length
      meter.add(chunk.length)
      if (!digester) at += skip(indexer, size - at)
      await pace()
    }
    indexer.parser.finish()
    meter.end()
    return await runPaced(indexer.finish(index, options.diffId ?? digester!.digest(), size), job)
  } finally {
    closeSync(fd)
  }
}

function skip({ parser }: LayerIndexer, left: number): number {
  const bytes = Math.min(parser.skippable, left)
  parser.skip(bytes)
  return bytes
}
