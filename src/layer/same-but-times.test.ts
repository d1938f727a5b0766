import { expect, test } from 'vitest'
import { type ByteString, silentJob, toByteString } from '../core/index.ts'
import type { Attributes } from './entry.ts'
import { TestStore } from './fixture.suite.ts'
import { sameButTimes, type TimedTar } from './same-but-times.ts'
import { createLayerWriter, type LayerWriter } from './write.ts'

const at = (seconds: number, more: Partial<Attributes> = {}): Attributes => ({
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds, nanoseconds: 0 },
  ...more,
})
const name = (text: string): ByteString => toByteString(text)
const text = (content: string): { bytes: Buffer } => ({ bytes: Buffer.from(content) })

function layer(from: number, to: number, fill: (writer: LayerWriter) => void): TimedTar {
  const files = new TestStore().files()
  const writer = createLayerWriter(files)
  fill(writer)
  writer.finish()
  return { path: files.tar, from, to }
}

const compare = (a: TimedTar, b: TimedTar): Promise<boolean> => sameButTimes(a, b, silentJob)

test('layers that differ in when their files were written are the same', async () => {
  const make = (now: number): TimedTar =>
    layer(now, now + 5, (writer) => {
      writer.directory(name('d'), at(now + 1, { mode: 0o755 }))
      writer.file(name('d/empty'), at(now + 2), text(''))
      writer.file(name('d/large'), at(now + 3), { bytes: Buffer.alloc(3_000_001, 'x') })
      writer.symlink(name('d/link'), at(now + 4), name('large'))
      writer.whiteout(name('gone'))
    })
  expect(await compare(make(1000), make(2000))).toBe(true)
})

test.each<[string, (writer: LayerWriter, now: number) => void, (writer: LayerWriter, now: number) => void]>([
  ['content', (w, now) => w.file(name('f'), at(now), text('a')), (w, now) => w.file(name('f'), at(now), text('b'))],
  ['name', (w, now) => w.file(name('f'), at(now), text('a')), (w, now) => w.file(name('g'), at(now), text('a'))],
  [
    'mode',
    (w, now) => w.file(name('f'), at(now), text('a')),
    (w, now) => w.file(name('f'), at(now, { mode: 0o600 }), text('a')),
  ],
  [
    'owner',
    (w, now) => w.file(name('f'), at(now), text('a')),
    (w, now) => w.file(name('f'), at(now, { uid: 3_000_000 }), text('a')),
  ],
  [
    'attribute',
    (w, now) => w.file(name('f'), at(now, { xattrs: new Map([['user.k', Buffer.from('v')]]) }), text('a')),
    (w, now) => w.file(name('f'), at(now, { xattrs: new Map([['user.k', Buffer.from('w')]]) }), text('a')),
  ],
  ['number of entries', (w, now) => w.file(name('f'), at(now), text('a')), () => {}],
  ['a time that was set', (w) => w.file(name('f'), at(5), text('a')), (w) => w.file(name('f'), at(6), text('a'))],
  [
    'a time in the future',
    (w) => w.file(name('f'), at(9e9), text('a')),
    (w) => w.file(name('f'), at(9e9 + 1), text('a')),
  ],
  [
    'a time that only one has set',
    (w, now) => w.file(name('f'), at(now), text('a')),
    (w) => w.file(name('f'), at(7), text('a')),
  ],
])('%s makes a difference', async (_what, one, other) => {
  const a = layer(1000, 1005, (writer) => one(writer, 1001))
  const b = layer(2000, 2005, (writer) => other(writer, 2001))
  expect(await compare(a, b)).toBe(false)
  expect(await compare(b, a)).toBe(false)
})

test('a time that both have set to the same is no difference', async () => {
  const make = (now: number): TimedTar =>
    layer(now, now + 1, (writer) => {
      writer.file(name('old'), at(-5), text('a'))
      writer.file(name('fresh'), at(now), text('b'))
    })
  expect(await compare(make(1000), make(2000))).toBe(true)
})

test('bytes of a file that look like a header are content', async () => {
  const make = (now: number, inner: number): TimedTar => {
    const nested = layer(0, 0, (writer) => writer.file(name('in'), at(inner), text('x')))
    return layer(now, now + 1, (writer) => writer.file(name('tar'), at(now), { hostPath: nested.path }))
  }
  expect(await compare(make(1000, 1000), make(2000, 2000))).toBe(false)
  expect(await compare(make(1000, 1000), make(2000, 1000))).toBe(true)
})

test('stops when the job is stopped', async () => {
  const tar = layer(0, 1, (writer) => writer.file(name('f'), at(0), text('a')))
  const signal = AbortSignal.abort()
  await expect(sameButTimes(tar, tar, { progress: () => {}, signal })).rejects.toMatchObject({ code: 'CANCELED' })
})
