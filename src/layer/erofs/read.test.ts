import { readFileSync, writeFileSync } from 'node:fs'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collectBytes } from '../../core/index.ts'
import { openFileTree } from '../file-tree.ts'
import { TestStore } from '../fixture.suite.ts'
import { openLayer } from '../layer-index.ts'
import { archive, forge, forgePax } from '../tar/forge.suite.ts'

const tar = archive(
  forge({ name: 'd', flag: '5' }),
  ...Array.from({ length: 60 }, (_, i) => forge({ name: `d/${i}-${'n'.repeat(i)}` }, 'x'.repeat(i))),
  forge({ name: 'l', flag: '2', link: 'd' }),
  forgePax({ linkpath: 'x'.repeat(1000) }),
  forge({ name: 'long', flag: '2' }),
  forgePax({ 'SCHILY.xattr.user.a': 'b'.repeat(100), 'SCHILY.xattr.security.capability': 'c'.repeat(20) }),
  forge({ name: 'x' }, 'y'),
  forge({ name: 'dev', flag: '3', major: 1, minor: 3 }),
  forge({ name: '.wh.gone' }),
  forgePax({ 'GNU.sparse.map': '7,5,5000,10', 'GNU.sparse.size': '9000' }),
  forge({ name: 's' }, 'x'.repeat(15)),
)

/** Looks at everything there is in an index. */
async function readAll(path: string, blob: string): Promise<void> {
  const tree = openFileTree([openLayer(path, () => blob)])
  let count = 0
  for (const entry of tree.walk()) {
    if (++count > 5000) return
    tree.stat(entry.path)
    if (entry.kind === 'file')
      await collectBytes(tree.read(entry.path, { start: 0, end: 10_000 }), 1 << 20, () => new Error('too long'))
  }
}

test('an index that is missing, cut, of another version or with a flipped bit is to be made again', async () => {
  const store = new TestStore()
  const layer = await store.add(tar)
  const good = readFileSync(layer.path)
  const damaged: Buffer[] = [
    Buffer.alloc(0),
    good.subarray(0, 500),
    good.subarray(0, 1500),
    good.subarray(0, good.length - 512),
  ]
  for (let at = 0; at < good.length; at += 97) {
    const flipped = Buffer.from(good)
    flipped[at]! ^= 0x10
    damaged.push(flipped)
  }
  for (const bytes of damaged) {
    writeFileSync(layer.path, bytes)
    expect(() => openLayer(layer.path, () => '')).toThrow(expect.objectContaining({ code: 'LAYER_INDEX_INVALID' }))
  }
  expect(() => openLayer('/nowhere', () => '')).toThrow(expect.objectContaining({ code: 'LAYER_INDEX_INVALID' }))
})

test('an index that was forged, checksum and all, never does more than fail', async () => {
  const store = new TestStore()
  const layer = await store.add(tar)
  const good = readFileSync(layer.path)
  const path = `${layer.path}.forged`
  const noise = fc.array(fc.tuple(fc.integer({ min: 1024, max: good.length - 1 }), fc.nat(255)), {
    minLength: 1,
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(noise, async (changes) => {
      const forged = Buffer.from(good)
      for (const [at, value] of changes) forged[at] = value
      forged.writeUInt32LE(0, 12)
      forged.writeUInt32LE(zlib.crc32(forged.subarray(0, 1024), zlib.crc32(forged.subarray(1024))), 12)
      writeFileSync(path, forged)
      await readAll(path, layer.devices[0]!.path).catch((error) => {
        expect(['LAYER_INDEX_INVALID', 'LAYER_DATA_MISSING', 'TREE_SYMLINK_LOOP', 'TREE_NOT_FOUND']).toContain(
          error.code,
        )
      })
    }),
    { numRuns: 400 },
  )
})
