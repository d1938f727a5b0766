import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { listEmulators, machineOf, parseRegistration } from './emulators.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

// as the kernel shows what Debian's qemu-user-static registers
const AARCH64 = `enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`
const S390X = `disabled
interpreter /usr/bin/qemu-s390x-static
flags: 
offset 0
magic 7f454c4602020100000000000000000000020016
mask ffffffffffffff00fffffffffffffffffffeffff
`
const PYTHON = 'enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n'
const JAR = 'enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n'

test('registrations, and what they are for', () => {
  const arm64 = {
    name: 'qemu-aarch64',
    interpreter: '/usr/libexec/qemu-binfmt/aarch64-binfmt-P',
    architecture: 'arm64',
  }
  expect(parseRegistration('qemu-aarch64', AARCH64)).toEqual({ ...arm64, enabled: true, fixed: true })
  expect(parseRegistration('s', S390X)).toMatchObject({ architecture: 's390x', enabled: false, fixed: false })
  expect(parseRegistration('python3.11', PYTHON)).toBeUndefined()
  expect(parseRegistration('jar', JAR)).toBeUndefined()
  expect(parseRegistration('x', '')).toBeUndefined()
})

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-binfmt-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  return folder
}

test('all of them, or none where binfmt_misc is off or not mounted', () => {
  const files = { register: '', status: 'enabled\n', 'qemu-aarch64': AARCH64, python: PYTHON }
  expect(listEmulators(folderOf(files))).toMatchObject({
    mounted: true,
    emulators: [{ architecture: 'arm64', enabled: true }],
  })
  expect(listEmulators(folderOf({ ...files, status: 'disabled\n' })).emulators).toMatchObject([{ enabled: false }])
  expect(listEmulators(folderOf({}))).toEqual({ mounted: false, emulators: [] })
  expect(listEmulators('/nonexistent')).toEqual({ mounted: false, emulators: [] })
})

test.each([
  ['7f454c4602010103000000000000000003003e00', 'amd64'],
  ['7f454c4601010100000000000000000002002800', 'arm'],
  ['7f454c460201010000000000000000000200f300', 'riscv64'],
  ['7f454c4602020100000000000000000000020015', 'ppc64'],
  ['7f454c4602010100000000000000000002001500', 'ppc64le'],
  ['7f454c460201010000000000000000000200adde', 'unknown (ELF machine 57005)'],
])('%s is %s', (head, architecture) => {
  expect(machineOf(Buffer.from(head, 'hex'))).toEqual({ architecture })
})

test('what is no ELF program is for no machine', () => {
  expect(machineOf(Buffer.from('#!/bin/sh\nexit 0 # and more\n'))).toBeUndefined()
  expect(machineOf(Buffer.from('7f454c46', 'hex'))).toBeUndefined()
})
