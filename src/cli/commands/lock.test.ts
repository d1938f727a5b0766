import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openCommandLine } from '../fixture.suite.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A store with an image `base`, and a context whose Dockerfile begins with it. */
async function workplace() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-lock-'))
  folders.push(folder)
  const slipway = openCommandLine()
  const tag = async (text: string): Promise<void> => {
    await slipway.with(`FROM scratch\nLABEL is=${text}\n`, 'build', '-q', '-t', 'base', '-')
  }
  await tag('one')
  writeFileSync(path.join(folder, 'Dockerfile'), 'FROM base\nENV A=1\n')
  return { folder, slipway, tag, lockText: () => readFileSync(path.join(folder, 'Dockerfile.lock'), 'utf8') }
}

test('lock writes the file and says what changed; --check only says it', async () => {
  const { folder, slipway, tag, lockText } = await workplace()
  const first = await slipway('lock', folder)
  expect(first.out).toMatch(
    /^Dockerfile\.lock: 1 change\n {2}\+ docker\.io\/library\/base:latest linux\/\w+ sha256:\w{12}\n$/,
  )
  expect(await slipway('lock', '--check', folder)).toMatchObject({ code: 0, out: 'Dockerfile.lock: nothing changed\n' })
  const before = lockText()
  await tag('two')
  const checked = await slipway('lock', '--check', folder)
  expect(checked).toMatchObject({
    code: 1,
    out: expect.stringMatching(/~ docker\.io.* sha256:\w{12} -> sha256:\w{12}\n/),
  })
  expect(lockText()).toBe(before)
})

test('build --locked goes by the lock, --update-lock renews it', async () => {
  const { folder, slipway, tag, lockText } = await workplace()
  const build = (...flags: string[]) => slipway('build', '-t', 'it', ...flags, folder)
  const label = async () => (await slipway('inspect', '-f', '{{index .Config.Labels "is"}}', 'it')).out.trim()
  expect((await build('--locked')).err).toContain('there is no Dockerfile.lock beside the Dockerfile')
  expect((await build('--update-lock')).err).toContain('Dockerfile.lock: 1 change\n')
  const before = lockText()
  await tag('two')
  expect((await build('--locked')).code).toBe(0)
  expect(await label()).toBe('one')
  expect((await build('--update-lock=base')).err).toContain('~ docker.io/library/base:latest')
  expect(await label()).toBe('two')
  expect(lockText()).not.toBe(before)
  expect((await build('--update-lock=other')).err).toContain('nothing in this build is called other')
})

test('an error about the Dockerfile shows its place', async () => {
  const { folder, slipway } = await workplace()
  writeFileSync(path.join(folder, 'Dockerfile'), 'FROM base\nCOPY --from=missing f /\n')
  const { code, err } = await slipway('lock', folder)
  expect(code).toBe(1)
  expect(err).toContain('Dockerfile:2\n')
})
