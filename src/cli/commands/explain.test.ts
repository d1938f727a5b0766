import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandLine, openCommandLine } from '../fixture.suite.ts'

let folder = ''
let slipway: CommandLine

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-explain-'))
  slipway = openCommandLine()
  write({ a: 'one\n', b: 'x\n', Dockerfile: 'FROM scratch AS base\nCOPY a /a\nFROM base\nCOPY b /b\n' })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
}

const build = (...args: string[]) => slipway('build', '-q', ...args, folder)

describe('build --explain', () => {
  test('says why, in words', async () => {
    await build()
    write({ a: 'three\n' })
    const { out, code } = await build('--explain')
    expect(code).toBe(0)
    const [, ...lines] = out.split('\n')
    expect(lines.join('\n').replaceAll(/sha256:[0-9a-f]{12}/g, 'sha256:…')).toBe(
      [
        '1  MISS    [base 1/1] COPY a /a',
        '           file changed: a (4B -> 6B, sha256:… -> sha256:…)',
        '2  MISS    [stage-1 1/1] COPY b /b',
        '           base changed: sha256:… -> sha256:… ([base 1/1] COPY a /a gave another result)',
        '',
      ].join('\n'),
    )
  })

  test('says why, as JSON', async () => {
    const { out } = await build('--explain=json')
    const { steps } = JSON.parse(out.slice(out.indexOf('{'))) as { steps: object[] }
    expect(steps).toMatchObject([
      { number: 1, label: '[base 1/1] COPY a /a', result: 'MISS', differences: [{ part: 'new' }] },
      { number: 2, result: 'MISS' },
    ])
  })

  test('says it of a build that fails, too', async () => {
    write({ Dockerfile: 'FROM scratch\nCOPY a /a\nCOPY missing /b\n' })
    const { out, code } = await build('--explain')
    expect(code).toBe(1)
    expect(out).toContain('2  FAILED  [2/2] COPY missing /b\n')
  })

  test('knows two formats', async () => {
    const { err, code } = await build('--explain=xml')
    expect([code, err]).toEqual([expect.any(Number), expect.stringContaining('invalid argument "xml" for "--explain"')])
    expect(code).not.toBe(0)
  })
})

describe('build --expect-cached', () => {
  test('ends with 3 and the reason when a step missed, after the image was made', async () => {
    await build()
    expect((await build('--expect-cached', '1', '--expect-cached', 'stage-1')).code).toBe(0)
    write({ b: 'yy\n' })
    const { code, out, err } = await build('--expect-cached=base', '--expect-cached', 'COPY b')
    expect(code).toBe(3)
    expect(out).toMatch(/^sha256:/)
    expect(err).toMatch(/^ERROR: expected to be cached: \[stage-1 1\/1\] COPY b \/b: file changed: b \(2B -> 3B/m)
    expect(err).not.toContain('COPY a')
  })

  test('wants a step that there is', async () => {
    const { code, err } = await build('--expect-cached', 'COPY nothing')
    expect(code).toBe(1)
    expect(err).toContain('no step of the build is called "COPY nothing"')
  })
})

describe('why', () => {
  test('explains the last build, or some of its steps', async () => {
    await build()
    const all = await slipway('why')
    expect(all.out.match(/^\d/gm)).toEqual(['1', '2'])
    for (const step of ['2', '[stage-1 1/1]', 'stage-1 1/1', 'stage-1', 'copy B']) {
      expect((await slipway('why', step)).out).toMatch(/^2 {2}MISS {4}\[stage-1 1\/1\] COPY b \/b\n/)
    }
    const json = JSON.parse((await slipway('why', 'base', '--format', 'json')).out) as { steps: object[] }
    expect(json).toMatchObject({ status: 'completed', steps: [{ number: 1 }] })
  })

  test('without a build or such a step there is nothing to explain', async () => {
    expect((await slipway('why')).err).toContain('nothing was built')
    await build()
    const { code, err } = await slipway('why', '7')
    expect([code, err]).toEqual([1, expect.stringContaining('no step of the build is called "7"')])
  })
})

describe('builder du and prune', () => {
  test('show and remove, in the words of buildx', async () => {
    await build()
    const table = await slipway('builder', 'du')
    expect(table.out).toMatch(/^ID +RECLAIMABLE +SIZE +LAST ACCESSED\n/)
    expect(table.out).toMatch(/\nShared:\t\t\S+\nPrivate:\t\S+\nReclaimable:\t\S+\nTotal:\t\t\S+\n$/)
    const verbose = await slipway('buildx', 'du', '--verbose', '--filter', 'description=COPY b')
    expect(verbose.out).toMatch(
      /^ID: {11}\w{25}\nCreated at: {3}.*\nMutable: {6}false\nReclaimable: {2}true\nShared: {7}true\n/,
    )
    expect(verbose.out).toMatch(
      /\nDescription: {2}\[stage-1 1\/1\] COPY b \/b\nUsage count: {2}1\nLast used: {4}.*\nType: {9}regular\n\n$/,
    )
    const format = ['--format', '{{.Type}} {{.Description}}', '--filter', 'type=regular']
    expect((await slipway('builder', 'du', ...format)).out.trim().split('\n').sort()).toEqual([
      'regular [base 1/1] COPY a /a',
      'regular [stage-1 1/1] COPY b /b',
    ])
    expect((await slipway('builder', 'prune')).out).toBe(
      'WARNING! This will remove all dangling build cache. Are you sure you want to continue? [y/N] ',
    )
    const pruned = await slipway.with('y\n', 'buildx', 'prune', '-a')
    expect(pruned.out).toMatch(/ID +RECLAIMABLE[\s\S]*\nTotal:\t\S+\n$/)
    expect((await slipway('builder', 'du')).out).toBe(
      'ID        RECLAIMABLE   SIZE      LAST ACCESSED\nReclaimable:\t0B\nTotal:\t\t0B\n',
    )
    expect((await slipway('builder', 'prune', '-f')).out).toBe('Total:\t0B\n')
  })

  test('prune --keep-storage is the old name of --reserved-space', async () => {
    await build()
    const { out, err } = await slipway('builder', 'prune', '-af', '--keep-storage', '1GB')
    expect(out).toBe('Total:\t0B\n')
    expect(err).toBe('Flag --keep-storage has been deprecated, keep-storage flag has been changed to reserved-space\n')
  })
})

describe('--cache-to and --cache-from', () => {
  test('carry steps from one store to another', async () => {
    const cache = path.join(mkdtempSync(path.join(os.tmpdir(), 'slipway-cache-')), 'c')
    const first = await build('--cache-to', `type=local,dest=${cache},mode=max`)
    const other = openCommandLine()
    const second = await other(
      'build',
      '-q',
      '--cache-from',
      `type=local,src=${cache}`,
      '--expect-cached=1',
      '--expect-cached=2',
      folder,
    )
    expect(second).toMatchObject({ code: 0, out: first.out })
    rmSync(path.dirname(cache), { recursive: true })
  })

  test.each([
    ['--cache-to', 'type=local', 'local cache exporter requires dest'],
    ['--cache-from', 'type=local', 'local cache importer requires src'],
    ['--cache-to', 'foo=bar', 'type required form> "foo=bar"'],
    ['--cache-to', 'type=local,x', 'invalid value x'],
    ['--cache-to', 'type=nope,ref=x', 'unknown cache exporter: "nope"'],
    ['--cache-to', 'type=gha', 'a build cache of type gha is not supported'],
    ['--cache-from', 'type=inline', 'a build cache of type inline is not supported'],
    ['--cache-to', 'type=registry,"ref=a', 'invalid cache option'],
  ])('%s %s is refused', async (flag, value, message) => {
    const { code, err } = await build(flag, value)
    expect(code).not.toBe(0)
    expect(err).toContain(message)
  })
})

test('the number of steps at the same time is checked', async () => {
  expect((await build('--parallel', '1')).code).toBe(0)
  expect((await build('--parallel', '0')).err).toContain('--parallel')
})
