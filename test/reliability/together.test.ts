/** Several commands at once on one store: each does its work, and pruning takes nothing that another one needs. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandResult, runCommand } from '../command.ts'
import { checkStore, problemsOf } from './check.ts'
import { runtimeFolder, runtimeLeftovers, tracesAfter } from './traces.ts'
import { makeReference, makeTemplate, type Reference } from './trial.ts'
import { makeWorkload, SMALL } from './workload.ts'

const isRoot = process.getuid?.() === 0
const work = mkdtempSync(path.join(os.tmpdir(), 'slipway-together-'))
const template = path.join(work, 'template')
const root = path.join(work, 'store')
const references: Reference[] = []

beforeAll(async () => {
  if (!isRoot) return
  await makeTemplate(template)
  for (const operation of makeWorkload(path.join(work, 'work'), SMALL)) {
    references.push(await makeReference(operation, template, root))
  }
}, 120_000)
afterAll(() => {
  rmSync(work, { recursive: true, force: true })
  for (const folder of [template, root]) rmSync(runtimeFolder(folder), { recursive: true, force: true })
})

const slipway = (args: readonly string[]): Promise<CommandResult> => runCommand(args, { root, limitSeconds: 120 })

function expectSuccess(results: readonly CommandResult[]): void {
  expect(results.map(({ exitCode, stderr }) => (exitCode === 0 ? 'done' : stderr))).toEqual(results.map(() => 'done'))
}

async function expectOrder(): Promise<void> {
  for (const { operation, image } of references) {
    const { stdout } = await slipway(['images', '-q', '--no-trunc', operation.image])
    expect(stdout.toString().trim(), operation.name).toBe(image)
  }
  expect(await tracesAfter(root)).toEqual([])
  expectSuccess([await slipway(['image', 'prune', '-f'])])
  const findings = checkStore(root)
  expect([...problemsOf(findings), ...findings.leftovers, ...runtimeLeftovers(root)]).toEqual([])
}

describe.skipIf(!isRoot)('commands on one store (need root)', () => {
  test('builds, loads and prunings, all at once', async () => {
    cpSync(template, root, { recursive: true })
    let isOver = false
    const prunings: CommandResult[] = []
    const pruning = (async () => {
      while (!isOver) prunings.push(await slipway(['image', 'prune', '-f']))
    })()
    const twice = [...references, ...references]
    const results = await Promise.all(twice.map(({ operation }) => slipway(operation.args)))
    isOver = true
    await pruning
    expectSuccess(results)
    expectSuccess(prunings)
    await expectOrder()
  }, 300_000)

  test('images are removed and made again at the same time', async () => {
    rmSync(root, { recursive: true, force: true })
    cpSync(template, root, { recursive: true })
    const rounds = references.map(async ({ operation }) => {
      for (let round = 0; round < 3; round++) {
        expectSuccess([await slipway(operation.args)])
        if (round < 2) expectSuccess([await slipway(['rmi', operation.image])])
      }
    })
    await Promise.all(rounds)
    await expectOrder()
  }, 300_000)
})
