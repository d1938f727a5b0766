import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { callMain } from '../fixture.suite.ts'

const main = path.resolve(import.meta.dirname, '../bin.ts')
const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

function workplace() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-watch-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(path.join(folder, 'context'))
  writeFileSync(path.join(folder, 'context/Dockerfile'), 'FROM scratch\nCOPY f /\nWORKDIR /w\n')
  writeFileSync(path.join(folder, 'context/f'), '1')
  return { at: (name: string): string => path.join(folder, name) }
}

/** Waits until the process has printed a text, and gives all that it printed since the last time. */
function reader(child: ChildProcess): (text: string) => Promise<string> {
  let printed = ''
  let wake = (): void => {}
  child.stderr!.on('data', (chunk: Buffer) => {
    printed += chunk
    wake()
  })
  return async (text) => {
    while (!printed.includes(text)) await new Promise<void>((resolve) => (wake = resolve))
    const all = printed
    printed = ''
    return all
  }
}

test('says what changed, what ran and how long it took; Ctrl-C ends it without a complaint', async () => {
  const { at } = workplace()
  const args = ['--root', at('store'), 'build', '--watch', '--progress=none', at('context')]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { stdio: 'pipe' })
  cleanups.push(() => child.kill('SIGKILL'))
  const until = reader(child)
  expect(await until('Ctrl-C ends')).toMatch(/^built in \d+\.\ds, 2 of 2 steps ran; watching \d files, Ctrl-C ends\n$/m)
  writeFileSync(at('context/f'), '2')
  const second = await until('Ctrl-C ends')
  expect(second).toMatch(/^1 file changed\n {2}~ .*context\/f\n/m)
  writeFileSync(at('context/Dockerfile'), 'FROM scratch\nCOPY nothing /\n')
  const failed = await until('Ctrl-C ends')
  expect(failed).toContain('"/nothing": not found')
  expect(failed).toMatch(/^failed after \d+\.\ds; watching/m)
  const ended = new Promise((resolve) => child.on('exit', resolve))
  let rest = ''
  child.stderr.on('data', (chunk: Buffer) => (rest += chunk))
  child.kill('SIGINT')
  await ended
  expect(rest).not.toContain('ERROR')
})

test('what is written once does not go with it', async () => {
  const { at } = workplace()
  const { code, err } = await callMain([
    '--root',
    at('store'),
    'build',
    '--watch',
    '--iidfile',
    at('id'),
    at('context'),
  ])
  expect(code).toBe(1)
  expect(err).toContain('--watch and --iidfile exclude each other')
})
