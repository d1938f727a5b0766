// Prints the paths of an image as our own reader sees them, each followed by a NUL: node list-tree.ts ROOT IMAGE
import { writeSync } from 'node:fs'
import { byteStringToBuffer } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'

const [root = '', name = ''] = process.argv.slice(2)
using store = openStore(root)
const { config } = store.images.config(store.images.find(name)!.image)
const tree = await store.layers.tree(config.rootfs.diff_ids)
let out: Buffer[] = []
const flush = (): void => {
  const bytes = Buffer.concat(out)
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
  out = []
}
for (const entry of tree.walk()) {
  out.push(byteStringToBuffer(entry.path), Buffer.alloc(1))
  if (out.length > 1000) flush()
}
flush()
