import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import { type Child, isRoot, startChild } from '../host/child.suite.ts'
import { Database } from './database.ts'
import { addLayers, type TestStore, temporaryStore } from './fixture.suite.ts'

/** A process that holds the layers of a store by a lease, and says its id and folder. */
async function holder(store: TestStore, digests: string[], wrapper: string[] = []): Promise<[Child, string, string]> {
  const child = startChild(
    async ({ load, fs, tell, linger }, args) => {
      const { openStore: open } = await load<typeof import('./index.ts')>('store/index.ts')
      const own = open(args.root)
      const lease = own.lease()
      lease.hold(args.digests as never)
      fs.writeFileSync(`${lease.folder}/unfinished`, 'x'.repeat(1000))
      tell([lease.id, lease.folder])
      return linger()
    },
    { root: store.layout.root, digests },
    { wrapper },
  )
  const [id, folder] = await child.next<[string, string]>()
  return [child, id, folder]
}

describe('a lease', () => {
  test('has a folder of its own, which goes with it', () => {
    const store = temporaryStore()
    const lease = store.lease()
    expect(lease.folder).toBe(path.join(store.layout.root, 'ingest', lease.id))
    expect(statSync(lease.folder).mode & 0o777).toBe(0o700)
    writeFileSync(path.join(lease.folder, 'file'), '')
    lease[Symbol.dispose]()
    lease[Symbol.dispose]()
    expect(existsSync(lease.folder)).toBe(false)
  })

  test('keeps content until it ends', async () => {
    const store = temporaryStore()
    const layers = await addLayers(store, { a: 'x' }, { b: 'y' })
    const lease = store.lease()
    lease.hold([layers[0]!])
    lease.hold([layers[0]!, digestOf(Buffer.from('not there yet'))])
    store.testLease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([layers[1]])
    expect(store.layers.get(layers[0]!)).toBeDefined()
    lease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([layers[0]])
  })

  test('that held something in a transaction that was undone holds it the next time', async () => {
    const store = temporaryStore()
    const layers = await addLayers(store, { a: 'x' })
    using lease = store.lease()
    const undone = () =>
      store.atomically(() => {
        lease.hold(layers)
        throw new Error('undone')
      })
    expect(undone).toThrow('undone')
    lease.hold(layers)
    store.testLease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([])
  })

  test('of another process is respected while that lives, and swept when it was killed', async () => {
    const store = temporaryStore()
    const layers = await addLayers(store, { a: 'x' })
    const [child, id, folder] = await holder(store, layers)
    store.testLease[Symbol.dispose]()
    expect(store.collect()).toEqual({ digests: [], bytes: 0 })
    expect(existsSync(folder)).toBe(true)
    child.kill('SIGKILL')
    await child.ended
    const { digests, bytes } = store.collect()
    expect(digests).toEqual(layers)
    expect(bytes).toBeGreaterThan(1000)
    expect(existsSync(folder)).toBe(false)
    expect(readdirSync(path.join(store.layout.root, 'ingest'))).not.toContain(id)
  })

  test.each([
    ['whose pid was recycled', { startTime: '1' }],
    ['of an earlier boot', { bootId: 'another' }],
  ])('of a process %s is swept', async (_which, change) => {
    const store = temporaryStore()
    const layers = await addLayers(store, { a: 'x' })
    const [, id] = await holder(store, layers)
    store.testLease[Symbol.dispose]()
    using db = new Database(store.layout.database)
    const { holder: text } = db.get<{ holder: string }>('SELECT holder FROM leases WHERE id = ?', id)!
    expect(store.collect().digests).toEqual([])
    db.run('UPDATE leases SET holder = ? WHERE id = ?', JSON.stringify({ ...JSON.parse(text), ...change }), id)
    expect(store.collect().digests).toEqual(layers)
  })

  test.skipIf(!isRoot)('of a process in another pid namespace counts until it has been silent for long', async () => {
    const store = temporaryStore()
    const layers = await addLayers(store, { a: 'x' })
    const wrapper = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
    const [, id] = await holder(store, layers, wrapper)
    store.testLease[Symbol.dispose]()
    using db = new Database(store.layout.database)
    const { holder: text } = db.get<{ holder: string }>('SELECT holder FROM leases WHERE id = ?', id)!
    expect(JSON.parse(text).pidNamespace).not.toBe(readlinkSync('/proc/self/ns/pid'))
    expect(store.collect().digests).toEqual([])
    db.run(
      'UPDATE leases SET touched_at = ? WHERE id = ?',
      Number(process.hrtime.bigint() / 1_000_000n) - 11 * 60_000,
      id,
    )
    expect(store.collect().digests).toEqual(layers)
  })
})
