/** What may happen to a pull or a push in the middle, and what has to be true then. */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { killGroup } from '../command.ts'
import { openSmallDisk } from './small-disk.ts'
import { runtimeFolder } from './traces.ts'
import type { Arena, Kind } from './transfers.ts'

/** One thing that happens. */
export interface Scenario {
  readonly name: string
  /** Whether the registry has the image before. */
  readonly isPushed: boolean
  /** Where it is played; ours when missing. */
  readonly registries?: readonly Kind[]
  /** What it did, in figures. Throws when something is not as it should be. */
  play(arena: Arena): Promise<string>
}

const LIST = ['transfers', 'ls', '--format', '{{.Kind}} {{.Percent}} {{.Status}}']

/** More than the layer itself: configs, manifests, and what was on its way when somebody died. */
const EXTRA = 0.02

function check(isTrue: boolean, otherwise: string): void {
  if (!isTrue) throw new Error(otherwise)
}

const percent = (bytes: number, { size }: Arena): string => `${((bytes / size) * 100).toFixed(1)} %`

/** A small layer has more that is on its way, in proportion. */
function atMost(share: number, bytes: number, arena: Arena, what: string): void {
  const limit = share * arena.size + 400_000
  check(bytes <= limit, `${what}: ${percent(bytes, arena)}, more than ${share * 100} %`)
}

/** The image is there, all of it is sound, and nothing is unfinished. */
async function expectPulled(arena: Arena, root: string): Promise<void> {
  const here = await arena.ok(root, 'images', '-q', '--no-trunc', arena.image)
  const made = await arena.ok(arena.maker, 'history', '-q', '--no-trunc', arena.image)
  check(here.trim() !== '' && made !== '', 'the image is not there')
  check((await arena.ok(root, 'transfers', 'ls', '-q')) === '', 'something is unfinished')
  arena.expectSound(root)
}

/** What was pushed can be pulled. */
async function expectPushed(arena: Arena): Promise<void> {
  check((await arena.ok(arena.maker, 'transfers', 'ls', '-q')) === '', 'something is unfinished')
  const root = arena.newStore()
  await arena.ok(root, 'pull', '-q', arena.image)
  await expectPulled(arena, root)
}

async function pullKilled(arena: Arena): Promise<string> {
  const root = arena.newStore()
  const { counts } = arena.proxy
  await arena.killedAt(arena.size / 2, root, 'pull', arena.image)
  const listed = await arena.ok(root, ...LIST)
  check(/^download (4\d|50) stopped$/m.test(listed), `transfers ls: ${listed}`)
  const before = counts.down
  await arena.ok(root, 'pull', arena.image)
  atMost(0.55, counts.down - before, arena, 'fetched again')
  await expectPulled(arena, root)
  return `${percent(counts.down - before, arena)} fetched after the kill, ${percent(counts.down, arena)} in all`
}

async function pushKilled(arena: Arena): Promise<string> {
  const { counts } = arena.proxy
  await arena.killedAt(arena.size / 2, arena.maker, 'push', arena.image)
  const listed = await arena.ok(arena.maker, ...LIST)
  check(/^upload [4-7]\d stopped$/m.test(listed), `transfers ls: ${listed}`)
  const before = counts.up
  await arena.ok(arena.maker, 'push', arena.image)
  const sent = counts.up - before
  atMost(0.55, sent, arena, 'sent again')
  await expectPushed(arena)
  return `${percent(sent, arena)} sent after the kill, ${percent(before + sent, arena)} in all`
}

const STEPS = [0.15, 0.2, 0.1, 0.25, 0.15]

async function pullKilledOften(arena: Arena): Promise<string> {
  const root = arena.newStore()
  for (const step of STEPS) await arena.killedAt(step * arena.size, root, 'pull', arena.image)
  await arena.ok(root, 'pull', arena.image)
  const { down } = arena.proxy.counts
  atMost(1 + STEPS.length * EXTRA, down, arena, 'fetched')
  await expectPulled(arena, root)
  return `${percent(down, arena)} in all`
}

async function pushKilledOften(arena: Arena): Promise<string> {
  for (const step of STEPS) await arena.killedAt(step * arena.size, arena.maker, 'push', arena.image)
  await arena.ok(arena.maker, 'push', arena.image)
  const { up } = arena.proxy.counts
  atMost(1 + STEPS.length * EXTRA, up, arena, 'sent')
  await expectPushed(arena)
  return `${percent(up, arena)} in all`
}

/** Two at once over one store; the one that moves the bytes is killed. */
async function oneOfTwo(arena: Arena, root: string, command: string): Promise<void> {
  const hung = arena.proxy.hangAfter(Math.floor(arena.size / 2))
  const first = arena.start(root, command, arena.image)
  await hung
  const listed = await arena.ok(root, ...LIST)
  check(listed.includes('running'), `transfers ls: ${listed}`)
  const second = arena.start(root, command, arena.image)
  await sleep(1500)
  killGroup(first.child)
  await first.ended
  arena.proxy.release()
  const { exitCode, stderr } = await second.ended
  check(exitCode === 0, `the other one ended with ${exitCode}: ${stderr}`)
}

async function onePullOfTwo(arena: Arena): Promise<string> {
  const root = arena.newStore()
  await oneOfTwo(arena, root, 'pull')
  const { down } = arena.proxy.counts
  atMost(1 + EXTRA, down, arena, 'fetched')
  await expectPulled(arena, root)
  return `${percent(down, arena)} in all`
}

async function onePushOfTwo(arena: Arena): Promise<string> {
  await oneOfTwo(arena, arena.maker, 'push')
  const { up } = arena.proxy.counts
  atMost(1 + EXTRA, up, arena, 'sent')
  await expectPushed(arena)
  return `${percent(up, arena)} in all`
}

async function twoPushes(arena: Arena): Promise<string> {
  const both = [1, 2].map(() => arena.ok(arena.maker, 'push', arena.image))
  await Promise.all(both)
  const { up } = arena.proxy.counts
  atMost(1 + EXTRA, up, arena, 'sent')
  await expectPushed(arena)
  return `${percent(up, arena)} in all`
}

/** The processes are gone, what was in /run is gone, and process ids mean other processes. */
async function reboot(arena: Arena): Promise<string> {
  const root = arena.newStore()
  const { counts } = arena.proxy
  await arena.killedAt(arena.size / 2, root, 'pull', arena.image)
  rmSync(runtimeFolder(root), { recursive: true, force: true })
  forgetBoot(root)
  const before = counts.down
  await arena.ok(root, 'pull', arena.image)
  atMost(0.55, counts.down - before, arena, 'fetched again')
  await expectPulled(arena, root)
  check(/^Total reclaimed/m.test(await arena.ok(root, 'image', 'prune', '-f')), 'prune says nothing')
  const left = readdirSync(path.join(root, 'ingest'))
  check(left.length === 0, `left over: ${left.join(' ')}`)
  return `${percent(counts.down - before, arena)} fetched after it`
}

/** Leases of another boot, held by a process id that this boot has given to somebody else. */
function forgetBoot(root: string): void {
  const db = new DatabaseSync(path.join(root, 'slipway.db'))
  for (const { id, holder } of db.prepare('SELECT id, holder FROM leases').all() as Record<string, string>[]) {
    const other = { ...(JSON.parse(holder!) as object), pid: process.pid, bootId: 'another', boot: 'another' }
    db.prepare('UPDATE leases SET holder = ? WHERE id = ?').run(JSON.stringify(other), id!)
  }
  db.close()
}

const DAMAGES: Readonly<Record<string, (file: string, size: number) => void>> = {
  truncated: (file, size) => truncateSync(file, Math.floor(size / 3)),
  emptied: (file) => truncateSync(file, 0),
  'zeros at its end': (file, size) => overwrite(file, size - 200_000, Buffer.alloc(200_000)),
  'other bytes in the middle': (file, size) => overwrite(file, Math.floor(size / 2), Buffer.from('damage')),
  'a hole of zeros up to the full size': (file) => truncateSync(file, Number(path.extname(file).slice(1))),
  'longer than the whole': (file) => truncateSync(file, Number(path.extname(file).slice(1)) + 1000),
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const fd = openSync(file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

async function damaged(arena: Arena, names: readonly string[] = Object.keys(DAMAGES)): Promise<string> {
  const said: string[] = []
  for (const name of names) {
    const root = arena.newStore()
    const { counts } = arena.proxy
    await arena.killedAt(arena.size / 2, root, 'pull', arena.image)
    const file = partialOf(root)
    DAMAGES[name]!(file, statSync(file).size)
    const before = counts.down
    await arena.ok(root, 'pull', arena.image)
    // the rest for nothing, and then the whole
    atMost(1.6, counts.down - before, arena, `${name}: fetched again`)
    await expectPulled(arena, root)
    said.push(`${name} ${percent(counts.down - before, arena)}`)
    rmSync(root, { recursive: true })
  }
  return said.join(', ')
}

function partialOf(root: string): string {
  const folder = path.join(root, 'transfers')
  const names = readdirSync(folder).sort(
    (a, b) => statSync(path.join(folder, b)).size - statSync(path.join(folder, a)).size,
  )
  return path.join(folder, names[0]!)
}

/** A disk for half of the layer: it says so, stays usable, and goes on when there is room. */
async function fullDisk(arena: Arena): Promise<string> {
  using disk = openSmallDisk(Math.ceil((arena.size / (1 << 20)) * 4 + 48))
  if (!disk) return 'skipped: needs root and a loop device'
  const root = path.join(disk.folder, 'store')
  await arena.ok(root, 'images')
  disk.leave(Math.floor(arena.size / 2))
  const { exitCode, stderr } = await arena.run(root, 'pull', arena.image)
  check(exitCode !== 0 && /no space left on device|disk is full/i.test(stderr), `it ended with ${exitCode}: ${stderr}`)
  check(!/INTERNAL|^ {4}at /m.test(stderr), stderr)
  arena.expectSound(root)
  await arena.ok(root, 'transfers', 'ls')
  const used = `${Math.round(leftBytes(root) / 1024)} KiB of it kept`
  disk.free()
  const { counts } = arena.proxy
  const before = counts.down
  await arena.ok(root, 'pull', arena.image)
  await expectPulled(arena, root)
  rmSync(runtimeFolder(root), { recursive: true, force: true })
  return `${used}, ${percent(counts.down - before, arena)} fetched when there was room`
}

function leftBytes(root: string): number {
  const folder = path.join(root, 'transfers')
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0)
  } catch {
    return 0
  }
}

async function listed(arena: Arena): Promise<string> {
  const root = arena.newStore()
  await arena.killedAt(arena.size / 2, root, 'pull', arena.image)
  const half = partialOf(root)
  const digest = path.basename(half, path.extname(half)).replace('-', ':')
  // the small layer may hang, too
  const all = (): Promise<string> => arena.ok(root, 'transfers', 'ls', '-q', '--no-trunc')
  check((await all()).includes(digest), `${half} is there and not listed`)
  await arena.ok(root, 'image', 'prune', '-f')
  check(existsSync(half), 'prune took what is young')
  const old = Date.now() / 1000 - 8 * 86_400
  utimesSync(half, old, old)
  await arena.ok(root, 'image', 'prune', '-f')
  check(!existsSync(half), 'prune left what is old')
  await arena.killedAt(arena.size / 2, root, 'pull', arena.image)
  // what no pull has written is not shown, and harms nobody
  writeFileSync(path.join(root, 'transfers', 'something'), 'else')
  const hung = arena.proxy.hangAfter(Math.floor(arena.size / 4))
  const { child, ended } = arena.start(root, 'pull', arena.image)
  await hung
  const { exitCode, stderr } = await arena.run(root, 'transfers', 'rm', digest)
  check(exitCode === 1 && stderr.includes('under way'), `one that runs was removed: ${stderr}`)
  killGroup(child)
  await ended
  arena.proxy.release()
  check((await arena.ok(root, 'transfers', 'rm', digest)).trim() === digest, 'rm does not say what it removed')
  check(!(await all()).includes(digest), 'it is still listed')
  await arena.ok(root, 'pull', '-q', arena.image)
  await expectPulled(arena, root)
  return 'listed, kept, removed'
}

/** Plays each of them; `transfers.ts` says where. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'push-killed', isPushed: false, play: pushKilled },
  { name: 'pull-killed', isPushed: true, registries: ['own', 'docker'], play: pullKilled },
  { name: 'push-killed-often', isPushed: false, play: pushKilledOften },
  { name: 'pull-killed-often', isPushed: true, play: pullKilledOften },
  { name: 'one-push-of-two', isPushed: false, play: onePushOfTwo },
  { name: 'two-pushes', isPushed: false, play: twoPushes },
  { name: 'one-pull-of-two', isPushed: true, play: onePullOfTwo },
  { name: 'reboot', isPushed: true, play: reboot },
  { name: 'damaged', isPushed: true, play: (arena) => damaged(arena) },
  { name: 'damaged-end', isPushed: true, play: (arena) => damaged(arena, ['zeros at its end']) },
  { name: 'full-disk', isPushed: true, play: fullDisk },
  { name: 'listed', isPushed: true, play: listed },
]
