import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { arm64Program, elf } from '../container/elf.suite.ts'
import { findProgram } from '../host/index.ts'
import { canRun, openTestEngine } from './fixture.suite.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function contextOf(dockerfile: string, program: Buffer): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-foreign-'))
  folders.push(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
  writeFileSync(path.join(folder, 'hello'), program, { mode: 0o755 })
  return folder
}

const DOCKERFILE = 'FROM scratch\nCOPY hello /\nRUN ["/hello"]\nCMD ["/hello"]\n'

test.skipIf(!canRun)('a step for another machine says what is missing, and at which line', async () => {
  const { engine } = openTestEngine()
  const context = contextOf(DOCKERFILE, elf(0x9041, Buffer.alloc(0)))
  await expect(engine.build({ context })).rejects.toMatchObject({
    code: 'PLATFORM_FOREIGN',
    hint: expect.stringContaining('apt-get install qemu-user-static binfmt-support'),
    span: { line: 3 },
  })
})

test('COPY alone needs no emulator, and a container is made of the platform that is asked for', async () => {
  const { engine } = openTestEngine()
  const context = contextOf('FROM scratch\nCOPY hello /\nCMD ["/hello"]\n', arm64Program(''))
  const platforms = [
    { os: 'linux', architecture: 'arm64' },
    { os: 'linux', architecture: 'riscv64' },
  ]
  await engine.build({ context, platforms, tags: ['both'] })
  await engine.build({ context, platforms: platforms.slice(0, 1), tags: ['one'] })
  for (const platform of platforms) {
    const { id, warnings } = engine.containers.create({ image: 'both', platform })
    expect(warnings).toEqual([])
    expect(engine.containers.list().find((each) => each.id === id)?.record.diffIds).toHaveLength(1)
  }
  expect(engine.containers.create({ image: 'one' }).warnings).toEqual(
    process.arch === 'arm64'
      ? []
      : [expect.stringMatching(/^The requested image's platform \(linux\/arm64\) does not match the detected host/)],
  )
  expect(() => engine.containers.create({ image: 'one', platform: platforms[1]! })).toThrow(
    expect.objectContaining({
      code: 'PLATFORM_NOT_FOUND',
      message:
        'image with reference one was found but its platform (linux/arm64) does not match the specified platform (linux/riscv64)',
    }),
  )
})

const QEMU = findProgram('qemu-aarch64-static')
const CAN_EMULATE = canRun && QEMU !== undefined && process.arch !== 'arm64' && findProgram('unshare') !== undefined

// the last mount of binfmt_misc takes its registrations along, so the machine is afterwards what it was
const EMULATED = `set -e
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
magic='\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
mask='\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'
name=slipway-test-$$
printf '%s' ":$name:M::$magic:$mask:$QEMU:F" > /proc/sys/fs/binfmt_misc/register
trap 'printf %s -1 > /proc/sys/fs/binfmt_misc/$name' EXIT
"$@"
`

test.skipIf(!CAN_EMULATE)('with an emulator RUN and run work, and info tells', () => {
  const { store } = openTestEngine()
  const context = contextOf(DOCKERFILE, arm64Program('hello from arm64\n'))
  const bin = path.resolve(import.meta.dirname, '../cli/bin.ts')
  const slipway = `"${process.execPath}" "${bin}" --root "${store.root}"`
  const script = [
    `${slipway} build --progress plain --platform linux/arm64 -t foreign "${context}" 2>&1`,
    `${slipway} run --rm --platform linux/arm64 foreign`,
    `${slipway} info -f '{{json .Platforms}}'`,
  ].join(' && ')
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', EMULATED, 'sh', 'sh', '-c', script]
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8', env: { ...process.env, QEMU } })
  if (/mount: .*(permission denied|unknown filesystem)/.test(stderr)) return
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/RUN \["\/hello"\]\n#\d+ \d\.\d+ hello from arm64\n/)
  expect(stdout).toMatch(/^hello from arm64\n\["linux\/amd64","linux\/386","linux\/arm64"/m)
})
