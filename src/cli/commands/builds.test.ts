import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openCommandLine } from '../fixture.suite.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function contextOf(dockerfile: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-builds-'))
  folders.push(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
  return folder
}

test('builds are listed, shown, printed and removed', async () => {
  const slipway = openCommandLine()
  expect((await slipway('build', '-t', 'app', contextOf('FROM scratch\nWORKDIR /a\n'))).code).toBe(0)
  expect((await slipway('build', contextOf('FROM scratch\nCOPY none /\n'))).code).toBe(1)

  const list = await slipway('builds', 'ls')
  expect(list.out.split('\n')[0]).toMatch(/^BUILD ID +NAME +STATUS +CREATED AT +DURATION +CACHED\/STEPS +TAGS/)
  expect(list.out.split('\n')[1]).toMatch(
    /^[0-9a-z]{16} +slipway-builds-\w+ +Error +Less than a second ago +0\.\ds +0\/2/,
  )
  expect(list.out.split('\n')[2]).toMatch(/ Completed .* 0\/1 +app:latest$/)
  expect((await slipway('builds', 'ls', '-q', '--filter', 'status=completed')).out.trim()).toBe(
    list.out.split('\n')[2]!.slice(0, 16),
  )
  expect((await slipway('builds', 'ls', '-f', 'tag=app', '--format', '{{.Name}} {{.Steps}}')).out).toMatch(
    /^slipway-builds-\w+ 0\/1\n$/,
  )
  expect((await slipway('builds', 'ls', '-f', 'colour=red')).err).toContain("invalid filter 'colour'")

  const shown = await slipway('buildx', 'history', 'inspect')
  expect(shown.out).toMatch(/^Error: +failed to compute cache key: .*"\/none": not found in the build context$/m)
  expect(shown.out).toMatch(/FAILED +0\.\ds +- +\[\d\/\d\] COPY none \//)
  const object = JSON.parse((await slipway('builds', 'inspect', '^1', '--format', 'json')).out) as Record<
    string,
    unknown
  >
  expect(object).toMatchObject({ Status: 'completed', Tags: ['app:latest'], NumTotalSteps: 1, NumCachedSteps: 0 })

  const logs = await slipway('builds', 'logs', '^1')
  expect(logs.out).toMatch(/#\d+ \[\d\/\d\] WORKDIR \/a\n#\d+ DONE 0\.\ds/)
  expect((await slipway('builds', 'logs', '--progress', 'rawjson')).out.split('\n')[0]).toMatch(/^\{"vertexes":/)

  expect((await slipway('builds', 'rm')).err).toContain('must specify either a build or --all')
  expect((await slipway('builds', 'rm', '--all')).out.trim().split('\n')).toHaveLength(2)
  expect((await slipway('builds', 'ls', '-q')).out).toBe('')
  expect((await slipway('builds', 'inspect', 'nope')).err).toContain('no record found for ref "nope"')
})

test('the reference in --metadata-file names the record', async () => {
  const slipway = openCommandLine()
  const context = contextOf('FROM scratch\nWORKDIR /a\n')
  const file = path.join(context, 'metadata.json')
  await slipway('build', '--metadata-file', file, context)
  const ref = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)['buildx.build.ref']!
  expect((await slipway('builds', 'inspect', ref, '-f', '{{.Ref}}')).out).toBe(`${ref.split('/').at(-1)}\n`)
})

test('build --report says what each step took', async () => {
  const slipway = openCommandLine()
  const context = contextOf('FROM scratch\nWORKDIR /a\nWORKDIR /a/b\n')
  await slipway('build', context)
  const table = (await slipway('build', '--report', context)).out.split('\n')
  expect(table[0]).toMatch(/^# +RESULT +TIME +SIZE +STEP$/)
  expect(table[1]).toMatch(/^2 +CACHED +0\.\ds +0B +\[\d\/\d\] WORKDIR \/a$/)
  expect(table[3]).toMatch(/COMPLETED +0\.\ds +0B +build [0-9a-z]{16}: 2 of 2 steps cached$/)
  const json = JSON.parse((await slipway('build', '-q', '--report=json', context)).out.split('\n').slice(1).join('\n'))
  expect(json).toMatchObject({
    NumCachedSteps: 2,
    Steps: [{ Kind: 'image' }, { Result: 'cached' }, { Result: 'cached' }],
  })
  const broken = contextOf('FROM scratch\nWORKDIR /a\nCOPY nothing /\n')
  const failed = await slipway('build', '--report', broken)
  expect(failed).toMatchObject({ code: 1, out: expect.stringMatching(/\bERROR +0\.\ds .* of \d steps cached\n$/) })
  expect(JSON.parse((await slipway('build', '--report=json', broken)).out)).toMatchObject({ Status: 'error' })
  expect((await slipway('build', '--report=xml', context)).err).toContain('must be table or json')
})
