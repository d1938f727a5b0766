import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandLine, openCommandLine } from '../fixture.suite.ts'

let base: string
let slipway: CommandLine
const at = (name: string): string => path.join(base, name)

beforeEach(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'slipway-copy-'))
  slipway = openCommandLine()
  writeFileSync(at('Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
  const built = await slipway('build', '-q', '-t', 'app', '--platform', 'linux/amd64,linux/arm64', base)
  expect(built.err).toBe('')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

test('from the store to a folder and back, with its digest', async () => {
  const out = await slipway('copy', '--all', '--digestfile', at('digest'), 'app', `oci:${at('images')}:1`)
  const digest = readFileSync(at('digest'), 'utf8')
  expect(out).toEqual({ code: 0, out: `Digest: ${digest}\nStatus: Copied app to oci:${at('images')}:1\n`, err: '' })
  const back = await slipway('copy', '-q', '-a', '--additional-tag', 'again:2', `oci:${at('images')}:1`, 'again')
  expect(back).toEqual({ code: 0, out: '', err: '' })
  expect((await slipway('images', '--format', '{{.Repository}}:{{.Tag}}')).out).toContain('again:2\nagain:latest\n')
})

test('one platform', async () => {
  await slipway('copy', '--platform', 'linux/arm64', 'app', `dir:${at('image')}`)
  const { config } = JSON.parse(readFileSync(at('image/manifest.json'), 'utf8')) as { config: { digest: string } }
  const file = readFileSync(at(`image/${config.digest.slice(7)}`), 'utf8')
  expect(JSON.parse(file)).toMatchObject({ architecture: 'arm64' })
})

test.each([
  [['--all', '--platform', 'linux/amd64', 'app', 'dir:x'], 'conflicting options: --all and --platform'],
  [['app'], 'requires 2 arguments'],
  [['none', 'dir:x'], 'No such image: none:latest'],
  [['containers-storage:app', 'dir:x'], 'unknown transport "containers-storage"'],
  [['app', 'oci:'], 'invalid place oci:: it has no path'],
])('%s', async (args, words) => {
  const answer = await slipway('copy', ...args)
  expect(answer).toMatchObject({ code: 1, out: '', err: expect.stringContaining(words) })
  expect(existsSync('x')).toBe(false)
})
