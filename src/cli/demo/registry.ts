import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Digest, fail, silentJob } from '../../core/index.ts'
import { openEngine } from '../../engine/index.ts'
import { humanSize } from '../render/sizes.ts'
import type { Demo } from './demo.ts'

/** Pushes an image to a registry that lives as long as this takes, and pulls it into an empty store. */
export async function shareImage({ engine, say, watch }: Demo, image: string): Promise<void> {
  const { serveRegistry } = await import('../../serve/index.ts')
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-demo-'))
  try {
    await using registry = await serveRegistry({
      root: path.join(folder, 'registry'),
      config: { listen: '127.0.0.1:0' },
    })
    const name = `${new URL(registry.url).host}/${image}`
    await say(`\n6. slipway registry serve, then slipway push ${name}`)
    engine.images.tag(image, name)
    try {
      const first = await timed(() => watch((job) => only(engine.images.push({ image: name }, job))))
      const second = await timed(() => only(engine.images.push({ image: name }, silentJob)))
      await say(`   pushed in ${first.time}; pushed again in ${second.time}, for it is there`)
      await pullAnew({ say, watch }, { name, digest: first.result.digest, root: path.join(folder, 'store') })
    } finally {
      engine.images.remove(name)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function pullAnew(
  { say, watch }: Omit<Demo, 'engine'>,
  { name, digest, root }: { name: string; digest: Digest; root: string },
): Promise<void> {
  using other = openEngine({ root })
  await say(`\n7. slipway pull ${name}, into an empty store`)
  const { time, result } = await timed(() => watch((job) => only(other.images.pull({ image: name }, job))))
  const bytes = other.images.history(name).reduce((sum, row) => sum + row.bytes, 0)
  await say(`   ${humanSize(bytes, 3)} pulled in ${time}, ready to run: ${result.digest}`)
  if (result.digest !== digest) throw fail('INTERNAL', 'the image that came back is another one')
}

async function only<T>(results: AsyncIterable<T>): Promise<T> {
  for await (const one of results) return one
  throw fail('INTERNAL', 'no image moved')
}

async function timed<T>(work: () => Promise<T>): Promise<{ time: string; result: T }> {
  const begin = performance.now()
  const result = await work()
  return { time: `${((performance.now() - begin) / 1000).toFixed(1)} s`, result }
}
