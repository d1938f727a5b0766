import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, callMain } from '../fixture.suite.ts'
import { callOf } from './call.ts'

describe('the flags', () => {
  const call = (flags: { call?: string; print?: string; check?: boolean }, given = Object.keys(flags)) =>
    callOf({ call: 'build', print: undefined, check: false, ...flags }, new Set(given))
  const text = { format: 'text', ignoresStatus: false }

  test('none of them, or build, is a build', () => {
    expect(call({})).toBeUndefined()
    expect(call({ call: 'build' })).toBeUndefined()
    expect(call({ call: '' })).toBeUndefined()
    expect(call({ check: false })).toBeUndefined()
  })

  test('the last one given counts', () => {
    expect(call({ check: true })).toEqual({ method: 'check', ...text })
    expect(call({ call: 'targets', check: true })).toMatchObject({ method: 'check' })
    expect(call({ check: true, print: 'outline' })).toMatchObject({ method: 'outline' })
  })

  test('format and ignorestatus', () => {
    expect(call({ call: 'check,format=json,ignorestatus=1' })).toEqual({
      method: 'check',
      format: 'json',
      ignoresStatus: true,
    })
    expect(call({ call: 'check,format=other' })).toMatchObject(text)
  })

  test.each([
    ['targets,format', 'invalid print value: targets,format'],
    ['check,foo=json', 'invalid print field: foo=json'],
    ['check,ignorestatus=x', 'invalid ignorestatus print value: x: strconv.ParseBool: parsing "x": invalid syntax'],
  ])('%s is refused in the words of buildx', (value, message) => {
    expect(() => call({ call: value })).toThrow(message)
  })
})

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Calls `build` with a context that has this Dockerfile. */
async function build(text: string, ...args: string[]): Promise<Answer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-call-'))
  folders.push(folder)
  mkdirSync(path.join(folder, 'context'))
  writeFileSync(path.join(folder, 'context/Dockerfile'), text)
  const answer = await callMain(['--root', path.join(folder, 'store'), 'build', ...args, path.join(folder, 'context')])
  return { ...answer, out: answer.out.replaceAll(`${folder}/`, '') }
}

describe('check', () => {
  test('shows warnings by line, with their lines, and fails', async () => {
    const { code, out, err } = await build('FROM scratch\nWORKDIR a\nMAINTAINER me\n', '--check')
    expect(code).toBe(1)
    expect(out).toBe(`Check complete, 2 warnings have been found!

WARNING: WorkdirRelativePath - https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/
Relative workdir "a" can have unexpected results if the base image changes
context/Dockerfile:2
--------------------
   1 |     FROM scratch
   2 | >>> WORKDIR a
   3 |     MAINTAINER me
   4 |     
--------------------

WARNING: MaintainerDeprecated - https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/
Maintainer instruction is deprecated in favor of using label
context/Dockerfile:3
--------------------
   1 |     FROM scratch
   2 |     WORKDIR a
   3 | >>> MAINTAINER me
   4 |     
--------------------
`)
    expect(err).not.toContain('warning')
  })

  test('is content', async () => {
    expect(await build('FROM scratch\n', '--check')).toMatchObject({
      code: 0,
      out: 'Check complete, no warnings found.\n',
    })
  })

  test('shows an error beside the warnings', async () => {
    const { code, out, err } = await build('FROM scratch\nMAINTAINER me\nFOO\n', '--check')
    expect(code).toBe(1)
    expect(out).toMatch(/^Check complete, 1 warning has been found!\n.*-\n\n$/s)
    expect(err).toMatch(
      /^ERROR: dockerfile parse error on line 3: unknown instruction: FOO [^\n]*\n[^\n]*Dockerfile:3\n.*>>> FOO\n.*-\n\n$/ms,
    )
    expect((await build('FOO\n', '--check')).out).toBe('')
  })

  test('as JSON, a range for each line', async () => {
    const text = 'FROM scratch\nENV A 1 \\\n  <2>\nFOO\n'
    const { out } = await build(text, '--call=check,format=json')
    const range = (line: number) => ({ start: { line }, end: { line } })
    expect(JSON.parse(out)).toEqual({
      warnings: null,
      sources: [{ filename: 'Dockerfile', data: Buffer.from(text).toString('base64'), language: 'Dockerfile' }],
      buildError: {
        message: 'dockerfile parse error on line 4: unknown instruction: FOO (did you mean FROM?)',
        location: { ranges: [range(4)] },
      },
    })
    const fine = JSON.parse((await build(text.replace('FOO\n', ''), '--call=check,format=json')).out)
    expect(fine.warnings).toMatchObject([
      { ruleName: 'LegacyKeyValueFormat', detail: expect.any(String), location: { ranges: [range(2), range(3)] } },
    ])
    expect(out).toContain('\n  "sources": [\n    {\n      "filename"')
  })

  test('ignorestatus', async () => {
    expect((await build('FROM scratch\nMAINTAINER me\n', '--call=check,ignorestatus=true')).code).toBe(0)
  })
})

describe('outline', () => {
  const TEXT = `# NAME of <you>
ARG NAME=me
# app is it
FROM scratch AS app
ARG NAME
RUN --mount=type=secret,id=key,required --mount=type=ssh true
`

  test('as tables', async () => {
    expect(await build(TEXT, '--call=outline')).toMatchObject({
      code: 0,
      out: `TARGET:      app
DESCRIPTION: is it

BUILD ARG   VALUE   DESCRIPTION
NAME        me      of <you>

SECRET   REQUIRED
key      true

SSH       REQUIRED
default   

`,
    })
    expect((await build('FROM scratch\n', '--call=outline')).out).toBe('')
  })

  test('as JSON, in which Go writes < and > in its own way', async () => {
    const { out } = await build(TEXT, '--print=outline,format=json')
    expect(out).toContain('"description": "of \\u003cyou\\u003e"')
    expect(Object.keys(JSON.parse(out))).toEqual(['name', 'description', 'args', 'secrets', 'ssh', 'sources'])
    expect(Object.keys(JSON.parse((await build('FROM scratch\n', '--call=outline,format=json')).out))).toEqual([
      'sources',
    ])
  })

  test('tells of warnings as a build does', async () => {
    const { err } = await build('FROM scratch\nMAINTAINER me\n', '--call=outline')
    expect(err).toContain('1 warning found')
  })
})

test('targets', async () => {
  const { code, out } = await build('# a the first\nFROM missing AS a\nFROM a\nFROM a AS c\n', '--call=targets')
  expect(code).toBe(0)
  expect(out).toBe('TARGET      DESCRIPTION\na           the first\n            \nc (default) \n')
  expect((await build('FROM scratch\n', '--call=targets')).out).toBe('TARGET    DESCRIPTION\n(default) \n')
  expect(JSON.parse((await build('FROM a\n', '--call=targets,format=json')).out).targets).toEqual([
    { default: true, base: 'a', location: { ranges: [{ start: { line: 1 }, end: { line: 1 } }] } },
  ])
})

test('subrequests.describe', async () => {
  const { out } = await build('FROM scratch\n', '--call=subrequests.describe')
  expect(out.split('\n')[1]).toBe('outline              1.0.0   List all parameters current build target supports')
  const json = JSON.parse((await build('FROM scratch\n', '--call=subrequests.describe,format=json')).out)
  expect(json.map(({ name }: { name: string }) => name)).toEqual([
    'frontend.outline',
    'frontend.targets',
    'frontend.subrequests.describe',
  ])
})

test('what nobody knows', async () => {
  const { code, err } = await build('FROM scratch\n', '--call=nonsense')
  expect(code).toBe(1)
  expect(err).toContain(
    'ERROR: failed to build: failed to solve: unsupported request frontend.nonsense: unsupported request frontend.nonsense\n',
  )
})

test('warnings are told after a build that fails, too', async () => {
  const { err } = await build('FROM scratch\nMAINTAINER me\nCOPY missing /\n')
  const [warnings, error] = [err.indexOf('1 warning found'), err.indexOf('ERROR: failed to build')]
  expect(warnings).toBeGreaterThan(0)
  expect(error).toBeGreaterThan(warnings)
})
