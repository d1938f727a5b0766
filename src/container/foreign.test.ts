import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { elf } from './elf.suite.ts'
import { checkProgram, runnablePlatforms } from './foreign.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

// nobody has an emulator for this one
const FOREIGN = elf(0x9041, Buffer.alloc(0))
const OWN = elf(process.arch === 'arm64' ? 183 : 62, Buffer.alloc(0))

function rootfsOf(files: Record<string, Buffer | string>): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-foreign-'))
  folders.push(root)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), content)
  }
  return root
}

const check = (
  root: string,
  program: string,
  rest: { cwd?: string; env?: string[]; mounts?: { target: string }[] } = {},
) => checkProgram(root, { args: [program], env: ['PATH=/bin:/usr/bin'], cwd: '/', mounts: [], ...rest })

const isForeign = (work: () => void): void =>
  expect(work).toThrow(expect.objectContaining({ code: 'PLATFORM_FOREIGN', data: { exitCode: 126 } }))

test('a program for another machine is refused, by its path and by its name', () => {
  const root = rootfsOf({ 'usr/bin/tool': FOREIGN, 'w/tool': FOREIGN })
  isForeign(() => check(root, '/usr/bin/tool'))
  isForeign(() => check(root, 'tool'))
  isForeign(() => check(root, './tool', { cwd: '/w' }))
  symlinkSync('/usr/bin', path.join(root, 'bin'))
  isForeign(() => check(root, '/bin/tool'))
  expect(() => check(root, 'tool')).toThrow(
    /^exec tool: exec format error: the program is for unknown \(ELF machine 36929\), this machine is linux\//,
  )
})

test('so is a script whose interpreter is for another machine', () => {
  const files = { 'bin/sh': FOREIGN, 'run.sh': '#! /bin/sh -e\n', 'outer.sh': '#!/run.sh\n', 'loop.sh': '#!/loop.sh\n' }
  const root = rootfsOf(files)
  isForeign(() => check(root, '/run.sh'))
  isForeign(() => check(root, '/outer.sh'))
  expect(() => check(root, '/loop.sh')).not.toThrow()
})

test('what this machine runs, what is missing and what is no program is left to the runtime', () => {
  const root = rootfsOf({ own: OWN, text: 'hello', 'bin/tool': OWN, 'usr/bin/tool': FOREIGN })
  for (const name of ['/own', '/text', '/missing', 'missing', 'tool', '', '/bin'])
    expect(() => check(root, name)).not.toThrow()
})

test('a link does not lead out of the root', () => {
  const root = rootfsOf({ 'inside/x': 'x' })
  const outside = rootfsOf({ tool: FOREIGN })
  symlinkSync(path.join(outside, 'tool'), path.join(root, 'tool'))
  expect(() => check(root, '/tool')).not.toThrow()
})

test('a program below a mount is not the one of the image', () => {
  const root = rootfsOf({ 'opt/tool': FOREIGN })
  expect(() => check(root, '/opt/tool', { mounts: [{ target: '/opt' }] })).not.toThrow()
  isForeign(() => check(root, '/opt/tool', { mounts: [{ target: '/op' }] }))
})

test('platforms by emulator: enabled, and visible in a container', () => {
  const emulator = { name: 'q', interpreter: '/q', enabled: true, fixed: true }
  const [own] = runnablePlatforms({ mounted: false, emulators: [] })
  expect(own).toMatch(/^linux\//)
  const emulators = [
    { ...emulator, architecture: 'riscv64' },
    { ...emulator, architecture: 's390x', fixed: false },
    { ...emulator, architecture: 'ppc64le', enabled: false },
  ]
  expect(runnablePlatforms({ mounted: true, emulators }).filter((name) => /riscv|s390|ppc/.test(name))).toEqual([
    'linux/riscv64',
  ])
})
