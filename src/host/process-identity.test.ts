import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isRunning, startChild, temporaryFolder, until } from './child.suite.ts'
import { bootId, identifyProcess, isAlive, requireProgram } from './index.ts'

describe('the identity of a process', () => {
  test('is stable, and of this boot', () => {
    const own = identifyProcess(process.pid)!
    expect(own).toEqual(identifyProcess(process.pid))
    expect(own.pid).toBe(process.pid)
    expect(own.startTime).toMatch(/^\d+$/)
    expect(own.bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/)
    expect(isAlive(own)).toBe(true)
  })

  test('there is none for a pid that nobody has', () => {
    expect(identifyProcess(2 ** 22 + 1)).toBeUndefined()
    expect(identifyProcess(-1)).toBeUndefined()
  })

  test('ends with the process', async () => {
    const child = startChild(({ linger }) => linger(), 0)
    const identity = identifyProcess(child.pid)!
    expect(isAlive(identity)).toBe(true)
    child.kill('SIGKILL')
    await child.ended
    expect(isAlive(identity)).toBe(false)
  })

  test('a zombie is not alive', async () => {
    // a shell that starts a process, becomes something that never waits for it, and so keeps its zombie
    const shell = spawn('/bin/sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 30'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [line] = (await once(shell.stdout!, 'data')) as [Buffer]
    const pid = Number(line.toString())
    try {
      await until(() => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '), 'the process is a zombie')
      expect(isRunning(pid)).toBe(false)
      expect(identifyProcess(pid)).toBeUndefined()
    } finally {
      shell.kill('SIGKILL')
      await once(shell, 'close')
    }
  })

  test('another start time or another boot is another process', () => {
    const own = identifyProcess(process.pid)!
    expect(isAlive({ ...own, startTime: String(Number(own.startTime) + 1) })).toBe(false)
    expect(isAlive({ ...own, bootId: '00000000-0000-0000-0000-000000000000' })).toBe(false)
  })

  test('a program whose name looks like fields of the file', async () => {
    const program = `${temporaryFolder()}/) Z 1 2 (x`
    copyFileSync(requireProgram('sleep'), program)
    const child = spawn(program, ['30'], { stdio: 'ignore' })
    try {
      await until(() => readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes('() Z'), 'the program runs')
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
      const { startTime } = identifyProcess(child.pid!)!
      expect(startTime).toBe(stat.slice(stat.indexOf('(x)') + 4).split(' ')[19])
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
})
