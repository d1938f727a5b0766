/** A disk that becomes full at any point: the command says so, nothing is lost, and all is well when there is room again. */
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../command.ts'
import { makeMountsBuild } from './builds.ts'
import { checkStore, problemsOf } from './check.ts'
import { openSmallDisk } from './small-disk.ts'
import { runtimeFolder, runtimeLeftovers, tracesAfter } from './traces.ts'
import { emptyOutput, filesOf, makeReference, makeTemplate, type Reference } from './trial.ts'
import { makeWorkload, type Operation, SMALL } from './workload.ts'

const disk = openSmallDisk(96)
const work = mkdtempSync(path.join(os.tmpdir(), 'slipway-full-'))
let references: Record<string, Reference>
const root = path.join(disk?.folder ?? work, 'store')
const template = path.join(work, 'template')

beforeAll(async () => {
  if (!disk) return
  const operations = makeWorkload(path.join(work, 'work'), SMALL)
  operations.push(makeMountsBuild(path.join(work, 'work'), SMALL, path.join(disk.folder, 'out')))
  await makeTemplate(template)
  references = {}
  for (const operation of operations) references[operation.name] = await makeReference(operation, template, root)
}, 120_000)
afterAll(() => {
  disk?.[Symbol.dispose]()
  for (const folder of [work, runtimeFolder(template), runtimeFolder(root)]) {
    rmSync(folder, { recursive: true, force: true })
  }
})

const slipway = (...args: readonly string[]) => runCommand(args, { root })

/** A copy of the template, on a disk with room. */
function freshStore(): void {
  disk!.free()
  rmSync(root, { recursive: true, force: true })
  cpSync(template, root, { recursive: true })
}

/** What the operation needs more than the template has. */
function needOf({ files, output }: Reference): number {
  const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0)
  // what is unpacked has many names for one file
  const written = [...output].filter(([name]) => !name.startsWith('tree')).map(([, size]) => size)
  return sum(files.values()) + sum(written) - sum(filesOf(template).values())
}

describe.skipIf(!disk)('a full disk (needs root and a loop device)', () => {
  // with more of it, a small build ends well: the store has set space aside
  const shares = {
    build: [0, 0.1, 0.4, 0.6],
    'load many': [0, 0.3, 0.9],
    'load system': [0, 0.02, 0.6, 0.9],
    mounts: [0, 0.3, 0.6, 0.95],
  }

  test.each(Object.entries(shares).flatMap(([name, list]) => list.map((share) => [name, share] as const)))(
    '%s, with %d of the room it needs',
    async (name, share) => {
      const reference = references[name]!
      freshStore()
      const { operation } = reference
      emptyOutput(operation)
      disk!.leave(Math.floor(share * needOf(reference)))
      const first = await slipway(...operation.args)
      expectFull(first, operation)
      expect(await tracesAfter(root)).toEqual([])
      expect(problemsOf(checkStore(root))).toEqual([])
      expect(checkStore(root).leftovers).toEqual([])

      disk!.free()
      const again = await slipway(...operation.args)
      expect(again).toMatchObject({ exitCode: 0 })
      const { stdout } = await slipway('images', '-q', '--no-trunc', operation.image)
      expect(stdout.toString().trim()).toBe(reference.image)
      expect(await slipway('image', 'prune', '-f')).toMatchObject({ exitCode: 0 })
      expect([...problemsOf(checkStore(root)), ...runtimeLeftovers(root)]).toEqual([])
    },
    60_000,
  )

  test('save leaves no half of an archive', async () => {
    const reference = references['load system']!
    freshStore()
    expect(await slipway(...reference.operation.args)).toMatchObject({ exitCode: 0 })
    disk!.leave(2 << 20)
    const file = path.join(disk!.folder, 'saved.tar')
    expectFull(await slipway('save', '-o', file, reference.operation.image), reference.operation)
    expect(existsSync(file)).toBe(false)
    disk!.free()
    expect(await slipway('save', '-o', file, reference.operation.image)).toMatchObject({ exitCode: 0 })
    expect(statSync(file).size).toBeGreaterThan(2 << 20)
  }, 60_000)

  test('an image can be removed to make room', async () => {
    const reference = references['load system']!
    freshStore()
    expect(await slipway(...reference.operation.args)).toMatchObject({ exitCode: 0 })
    disk!.leave(0)
    expect(await slipway('rmi', reference.operation.image)).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await slipway(...reference.operation.args)).toMatchObject({ exitCode: 0 })
  }, 60_000)
})

function expectFull(result: { exitCode: number; stderr: string }, { name }: Operation): void {
  expect(result.exitCode, `${name}: ${result.stderr}`).toBeOneOf([1, 125])
  expect(result.stderr, name).toMatch(/ENOSPC|no space left|disk is full|No space left/i)
  expect(result.stderr, name).not.toMatch(/INTERNAL|^ {4}at /m)
}
