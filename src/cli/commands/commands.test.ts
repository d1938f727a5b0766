import { describe, expect, test } from 'vitest'
import { type Answer, callMain } from '../fixture.suite.ts'
import { COMMANDS } from './index.ts'

const call = (...argv: string[]): Promise<Answer> => callMain(argv)

describe('the table', () => {
  const entries = COMMANDS.commands

  test('has every path once, and a group for each command in one', () => {
    const paths = entries.flatMap((entry) => entry.paths)
    expect(new Set(paths).size).toBe(paths.length)
    const groups = new Set(COMMANDS.groups.map((group) => group.path))
    const missing = paths
      .filter((path) => path.includes(' '))
      .filter((path) => !groups.has(path.split(' ').slice(0, -1).join(' ')))
    expect(missing).toEqual([])
  })

  test.each(entries.map((entry) => [entry.paths[0], entry] as const))('%s is well made', async (_path, entry) => {
    const { command } = await entry.load()
    expect(entry.summary).toMatch(/^[A-Z][^.]*[^.]$/)
    expect(command.operands.max ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(command.operands.min)
    const shorts = Object.values(command.flags).flatMap((flag) => flag.short ?? [])
    expect(new Set(shorts).size).toBe(shorts.length)
    for (const [name, flag] of Object.entries(command.flags)) {
      expect(name).toMatch(/^[a-z][a-z0-9-]+$/)
      expect(flag.short ?? 'x').toMatch(/^[a-zA-Z]$/)
      expect(flag.about).not.toMatch(/\.$/)
    }
  })
})

describe('version', () => {
  test('as a text, as JSON and by a template', async () => {
    expect((await call('version')).out).toMatch(/^Client:\n Version: {11}\S+\n API version: {7}\S+\n(?: .*\n)+$/)
    const json = JSON.parse((await call('version', '--format', 'json')).out)
    expect(json.Client).toMatchObject({ Os: 'linux', ApiVersion: expect.any(String) })
    expect((await call('version', '-f', '{{.Client.Os}}/{{.Client.Arch}}')).out).toMatch(/^linux\/\w+\n$/)
  })

  test('with a wrong template fails', async () => {
    expect(await call('version', '-f', '{{.Client')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: template parsing error: template: :1: unclosed action/),
    })
  })
})

describe('help', () => {
  test('is the same as --help', async () => {
    expect(await call('help')).toEqual(await call('--help'))
    expect(await call('help', 'version')).toEqual(await call('version', '--help'))
    expect(await call('help', 'completion')).toEqual(await call('completion', '--help'))
  })

  test('knows no other topics', async () => {
    expect(await call('help', 'nope', 'x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('unknown help topic: nope x'),
    })
  })
})

test('__complete offers nothing for what it does not know', async () => {
  expect(await call('__complete', 'nonsense', 'x')).toEqual({ code: 0, out: '', err: '' })
})
