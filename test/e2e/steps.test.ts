/** Steps on the command line: entered, compared, copied from, and a build that failed done again. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { type CommandResult, runCommand } from '../command.ts'

const canRun = process.getuid?.() === 0 && findProgram('busybox') !== undefined

let work: string
beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-steps-'))
  mkdirSync(path.join(work, 'app'))
})
afterEach(() => rmSync(work, { recursive: true, force: true }))

const slipway = (args: readonly string[], cwd = work): Promise<CommandResult> =>
  runCommand(args, { root: path.join(work, 'store'), cwd })
const dockerfile = (text: string): void => writeFileSync(path.join(work, 'app/Dockerfile'), text)

test('files are copied out by the rules of docker cp', async () => {
  dockerfile('FROM scratch\nCOPY <<E /d/a\none\nE\nCOPY <<E /b\ntwo\nE\n')
  expect((await slipway(['build', '-t', 'x', 'app'])).exitCode).toBe(0)
  mkdirSync(path.join(work, 'there'))
  for (const [from, to] of [
    ['step:last:/d', 'there'],
    ['x:/d', 'new'],
    ['step:last:/d/.', 'there'],
    ['step:last:b', 'renamed'],
  ]) {
    const { exitCode, stderr } = await slipway(['cp', from!, to!])
    expect(exitCode, stderr).toBe(0)
  }
  const read = (file: string): string => readFileSync(path.join(work, file), 'utf8')
  expect([read('there/d/a'), read('there/a'), read('new/a')]).toEqual(['one\n', 'one\n', 'one\n'])
  expect(read('renamed')).toBe('two\n')
  const tar = await slipway(['cp', 'x:/d', '-'])
  expect(tar.stdout.subarray(0, 2).toString()).toBe('d/')
})

test.each([
  [['cp', 'x:/nothing', '.'], 'Could not find the file /nothing in x'],
  [['cp', 'x:/b', 'no/such/folder/'], 'no such directory'],
  [['cp', 'x:/d', 'app/Dockerfile'], 'cannot copy directory'],
  [['cp', 'app', 'x:/d'], 'copying into containers is not supported yet'],
  [['diff', 'step:77'], 'has no step 77'],
  [['run', 'step:nothing', 'true'], 'is not the name of a step'],
])('slipway %s says what is wrong', async (args, message) => {
  dockerfile('FROM scratch\nCOPY <<E /d/a\none\nE\nCOPY <<E /b\ntwo\nE\n')
  await slipway(['build', '-t', 'x', 'app'])
  const { exitCode, stderr } = await slipway(args)
  expect(stderr).toContain(message)
  expect(exitCode).not.toBe(0)
})

describe('build --resume', () => {
  test('does a build that failed again, with its flags, from anywhere', async () => {
    dockerfile('FROM scratch\nCOPY <<E /a\none\nE\nCOPY missing /\n')
    expect((await slipway(['build', '-t', 'done', '--label', 'by=resume', '.'], path.join(work, 'app'))).exitCode).toBe(
      1,
    )
    dockerfile('FROM scratch\nCOPY <<E /a\none\nE\nCOPY Dockerfile /\n')
    const { exitCode, stderr } = await slipway(['build', '--resume'])
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toMatch(/CACHED/)
    using engine = openEngine({ root: path.join(work, 'store') })
    expect(engine.images.list()[0]).toMatchObject({ tags: ['done:latest'], labels: { by: 'resume' } })
  })

  test('is refused when there is nothing to resume, or secrets would be missing', async () => {
    expect((await slipway(['build', '--resume'])).stderr).toContain('nothing was built')
    dockerfile('FROM scratch\nARG API_TOKEN\nCOPY missing /\n')
    await slipway(['build', '--build-arg', 'API_TOKEN=very-secret', 'app'])
    expect((await slipway(['build', '--resume'])).stderr).toContain('given secrets as arguments')
    dockerfile('FROM scratch\nCOPY Dockerfile /\n')
    await slipway(['build', 'app'])
    expect((await slipway(['build', '--resume'])).stderr).toContain('succeeded')
    expect((await slipway(['build'])).stderr).toContain("'slipway build' requires 1 argument")
  })
})

describe.skipIf(!canRun)('with RUN (root, busybox)', () => {
  test('a failed build says how to get in, and a shell there sees what the command left', async () => {
    using engine = openEngine({ root: path.join(work, 'store') })
    await engine.bootstrap({ what: 'busybox' })
    dockerfile('FROM busybox\nWORKDIR /w\nRUN echo half > f && false\n')
    const { stderr } = await slipway(['build', '--report', 'app'])
    const [, step] = /slipway run --rm -it (step:[0-9a-z]+\/\d+)/.exec(stderr) ?? []
    expect(step).toBeDefined()
    expect((await slipway(['run', '--rm', step!, 'cat', 'f'])).stdout.toString()).toBe('half\n')
    expect((await slipway(['diff', step!])).stdout.toString()).toContain('A /w/f\n')
  })
})
