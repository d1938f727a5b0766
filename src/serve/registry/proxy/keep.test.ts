import { describe, expect, test } from 'vitest'
import { send, startRegistry } from '../fixture.suite.ts'
import { folderLayout } from '../folder/layout.ts'
import type { PartContext } from '../parts.ts'
import type { UpstreamConfig } from './config.ts'
import { dropUnused } from './keep.ts'
import { makeImage, startUpstream } from './played.suite.ts'
import { proxyPart } from './proxy.ts'
import { Upstream } from './upstream.ts'

const DAY = 86_400_000

/** A cache with images of 1000 and 2000 bytes, the smaller pulled first. */
async function filled(config: Partial<UpstreamConfig>) {
  const upstream = await startUpstream(makeImage(1000, 1))
  let context!: PartContext
  const watch = (given: PartContext): object => {
    context = given
    return {}
  }
  const cache = await startRegistry({
    parts: [watch, proxyPart],
    config: { proxy: { upstream: [{ name: upstream.domain, prefix: 'up', fresh: 0 }] } },
  })
  const images = [upstream.image, makeImage(2000, 2)]
  for (const image of images) {
    upstream.publish(image)
    await send(cache, 'GET', `/v2/up/team/app/manifests/${image.digest}`)
    await send(cache, 'GET', `/v2/up/team/app/blobs/${image.layerDigest}`)
  }
  const { storage, database, folder } = context
  const log = (): void => {}
  const proxy = { storage, database, layout: folderLayout(folder), job: { progress: log }, log }
  const drop = (now?: number): Promise<number> =>
    dropUnused(proxy, new Upstream({ name: 'x', prefix: 'up', ...config }, log), now)
  const kept = (): boolean[] =>
    images.map(({ digest }) => storage.repository('up/team/app').describe(digest) !== undefined)
  const age = (image: number, at: number): number =>
    database.run('UPDATE manifests SET pushed_at = ?, pulled_at = NULL WHERE digest = ?', at, images[image]!.digest)
  return { drop, kept, age, storage }
}

describe('what nobody pulls', () => {
  test('goes after some days', async () => {
    const { drop, kept, age } = await filled({ keep: 3 * DAY })
    expect(await drop()).toBe(0)
    age(1, Date.now() - 4 * DAY)
    expect(await drop()).toBe(1)
    expect(kept()).toEqual([true, false])
    expect(await drop(Date.now() + 4 * DAY)).toBe(1)
    expect(kept()).toEqual([false, false])
  })

  test('goes when there are too many bytes, the oldest first, and no more than need be', async () => {
    const { drop, kept, age } = await filled({ max_size: 2500 })
    age(0, 1)
    expect(await drop()).toBe(1)
    expect(kept()).toEqual([false, true])
    expect(await drop()).toBe(0)
  })

  test('stays when nothing is said', async () => {
    const { drop, kept } = await filled({})
    expect(await drop(Date.now() + 1000 * DAY)).toBe(0)
    expect(kept()).toEqual([true, true])
  })

  test('of other repositories is not looked at', async () => {
    const { drop, storage } = await filled({ keep: DAY, max_size: 1, prefix: 'u' })
    expect(await drop(Date.now() + 1000 * DAY)).toBe(0)
    expect(storage.repositories({ limit: 10 })).toEqual(['up/team/app'])
  })
})
