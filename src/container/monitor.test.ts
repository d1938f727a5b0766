import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { processesWith, until } from '../host/child.suite.ts'
import { bytesFrom, canRun, openWorkshop, startMonitored } from './fixture.suite.ts'
import { readLog } from './log.ts'
import { isMonitored } from './monitor.ts'

const NEEDS = '(needs root, a runtime, conmon and busybox)'
const shell = (script: string): { args: string[] } => ({ args: ['sh', '-c', script] })

async function logOf(file: string): Promise<string[]> {
  const pieces: string[] = []
  for await (const { stream, text } of readLog(file, {}, silentJob)) pieces.push(`${stream}: ${text}`)
  return pieces
}

describe.skipIf(!canRun)(`a monitored container ${NEEDS}`, () => {
  test.each([
    ['exit 0', 0],
    ['exit 7', 7],
    ['sh -c "kill -KILL \\$\\$"; exit $?', 137],
  ])('%s: leaves its exit code', async (script, expected) => {
    const box = await startMonitored(await openWorkshop({ processes: false }), shell(script))
    expect(await box.exitCode()).toBe(expected)
  })

  test('keeps its output in the log, and gives it to who is attached', async () => {
    const script = 'echo one; sleep 0.05; echo two >&2; sleep 0.05; printf three'
    const box = await startMonitored(await openWorkshop({ processes: false }), shell(script))
    const output = await box.output
    expect(bytesFrom(output, 'stdout').toString()).toBe('one\nthree')
    expect(bytesFrom(output, 'stderr').toString()).toBe('two\n')
    await box.exitCode()
    expect(await logOf(box.paths.log)).toEqual(['stdout: one\n', 'stderr: two\n', 'stdout: three'])
  })

  test('every byte of a lot of output comes through', async () => {
    const script = 'dd if=/dev/zero bs=65536 count=64 2>/dev/null | tr "\\0" x; echo; echo end >&2'
    const box = await startMonitored(await openWorkshop({ processes: false }), shell(script))
    const bytes = bytesFrom(await box.output, 'stdout')
    expect(bytes.length).toBe(64 * 65536 + 1)
    expect(bytes.subarray(0, -1).every((byte) => byte === 0x78)).toBe(true)
  })

  test('goes on when nobody listens any more', async () => {
    const script = 'i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; sleep 0.2; echo end'
    const box = await startMonitored(await openWorkshop({ processes: false }), shell(script))
    box.attachment.detach()
    expect(await box.exitCode()).toBe(0)
    expect((await logOf(box.paths.log)).at(-1)).toBe('stdout: end\n')
  })

  test('outlives its starter', async () => {
    const workshop = await openWorkshop({ processes: false })
    const box = await startMonitored(workshop, shell('sleep 0.5; exit 9'))
    const before = processesWith(box.id)
    expect(before.length).toBeGreaterThan(0)
    await workshop.machine[Symbol.asyncDispose]()
    expect(isMonitored(box.paths.bundle, box.id)).toBe(true)
    expect(await box.exitCode()).toBe(9)
    await until(() => !isMonitored(box.paths.bundle, box.id), 'its monitor ends')
  })

  test('is killed by a signal, and its first process only by those that it takes', async () => {
    const box = await startMonitored(
      await openWorkshop({ processes: false }),
      shell('trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'),
    )
    await until(() => readFileSync(box.paths.log, 'utf8').includes('ready'), 'it runs')
    await box.kill(15)
    expect(await box.exitCode()).toBe(3)
    // it is gone: no error
    await box.kill(9)
  })

  test('runs a command when it has ended', async () => {
    const workshop = await openWorkshop({ processes: false })
    const mark = `${workshop.store.root}/ended`
    const onExit = ['/bin/sh', '-c', 'echo "$1" > "$0"', mark, 'with words']
    const box = await startMonitored(workshop, shell('exit 0'), { onExit })
    await box.exitCode()
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8') === 'with words\n', 'the command has run')
  })

  test('a program that is not there is an error in Docker’s words', async () => {
    const workshop = await openWorkshop({ processes: false })
    await expect(startMonitored(workshop, { args: ['nope'] })).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: 'unable to start container process: exec: "nope": executable file not found in $PATH',
      data: { exitCode: 127 },
    })
  })

  test('a file that may not be run is one with another exit code', async () => {
    const workshop = await openWorkshop({ processes: false })
    await expect(startMonitored(workshop, { args: ['/etc/passwd'] })).rejects.toMatchObject({
      message: 'unable to start container process: exec: "/etc/passwd": permission denied',
      data: { exitCode: 126 },
    })
  })
})

test('what has no monitor is not monitored', () => {
  expect(isMonitored('/nowhere', 'x')).toBe(false)
})
