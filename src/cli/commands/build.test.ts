import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { CommandIo, Output } from '../io.ts'
import { main } from '../main.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Builds a Dockerfile without a base, which needs no root, and gives what inspection shows by a template. */
async function build(dockerfile: string, args: readonly string[], format: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-build-'))
  folders.push(folder)
  const context = path.join(folder, 'context')
  mkdirSync(context)
  writeFileSync(path.join(context, 'Dockerfile'), dockerfile)
  const root = ['--root', path.join(folder, 'store')]
  const built = await call([...root, 'build', '-q', '-t', 'it', ...args, context], env)
  if (built.code !== 0) return built.err
  return (await call([...root, 'inspect', '-f', format, 'it'], env)).out.trim()
}

async function call(argv: string[], env: Record<string, string>): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' }
  const output = (name: 'out' | 'err'): Output => ({
    async write(data) {
      texts[name] += Buffer.from(data).toString()
    },
    writeNow() {},
    terminal: () => ({ isTerminal: false, columns: 80, rows: 24, colors: false }),
  })
  const io: CommandIo = { stdout: output('out'), stderr: output('err'), stdin: () => process.stdin }
  return { code: await main(argv, { io, env }), ...texts }
}

const LABELS = '{{json .Config.Labels}}'

test('labels of the command line win over those of the Dockerfile; a name alone is an empty label', async () => {
  const dockerfile = 'FROM scratch\nLABEL a=dockerfile b=dockerfile\n'
  const labels = ['--label', 'a=flag', '--label', 'alone', '--label', 'empty=', '--label', 'with=an=equals sign']
  expect(await build(dockerfile, labels, LABELS)).toBe(
    '{"a":"flag","alone":"","b":"dockerfile","empty":"","with":"an=equals sign"}',
  )
})

test('a build argument without a value takes that of the environment, or is none', async () => {
  const dockerfile = 'FROM scratch\nARG ONE=default\nARG TWO=default\nLABEL one=$ONE two=$TWO\n'
  const args = ['--build-arg', 'ONE', '--build-arg', 'TWO']
  expect(await build(dockerfile, args, LABELS, { ONE: 'from outside' })).toBe('{"one":"from outside","two":"default"}')
})

test.each(['--label', '--build-arg'])('%s without a name is refused', async (flag) => {
  expect(await build('FROM scratch\nLABEL a=b\n', [flag, '=x'], LABELS)).toMatch(
    /^ERROR: failed to build: invalid key-value pair "=x": empty key$/m,
  )
})
