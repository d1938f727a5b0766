import { expect, test } from 'vitest'
import { collectBytes, toByteString } from '../core/index.ts'
import { findProgram } from '../host/index.ts'
import { createLayerWriter, type Entry, type FileTree } from '../layer/index.ts'
import { temporaryStore } from '../store/fixture.suite.ts'
import { writeBusybox } from './busybox.ts'

const busybox = findProgram('busybox')

/** The tree of a layer with busybox, written to a store of its own. */
async function write(program: string): Promise<{ diffId: string; tree: FileTree }> {
  const store = temporaryStore()
  const files = store.layers.temporary(store.testLease)
  const writer = createLayerWriter(files)
  writeBusybox(writer, program)
  const { diffId } = store.layers.adopt(files, writer.finish(), store.testLease)
  return { diffId, tree: await store.layers.tree([diffId]) }
}

const stat = (tree: FileTree, path: string): Entry => tree.stat(toByteString(path))!

async function textOf(tree: FileTree, path: string): Promise<string> {
  const bytes = await collectBytes(tree.read(toByteString(path)), 1 << 16, () => new Error('too long'))
  return bytes.toString()
}

test.skipIf(busybox === undefined)('busybox under all its names, with the usual accounts (needs busybox)', async () => {
  const { diffId, tree } = await write(busybox!)
  const program = stat(tree, 'bin/busybox')
  expect(program).toMatchObject({ kind: 'file', mode: 0o755 })
  expect(stat(tree, 'bin/sh')).toMatchObject({ inode: program.inode })
  expect(stat(tree, 'tmp').mode).toBe(0o1777)
  expect(await textOf(tree, 'etc/passwd')).toMatch(/^root:x:0:0:root:\/root:\/bin\/sh\n(.+\n)+nobody:x:65534:65534:/)
  expect(await textOf(tree, 'etc/group')).toMatch(/^wheel:x:10:root\n(.+\n)+nobody:x:65534:\n$/m)
  expect(await textOf(tree, 'etc/shadow')).toMatch(/^root:\*:::::::$/m)
  // the same program gives the same layer
  expect((await write(busybox!)).diffId).toBe(diffId)
})
