import { spawn } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openPipe } from './pipe.ts'

function run(script: string): Promise<string> {
  const pipe = openPipe()
  spawn('sh', ['-c', script], { stdio: ['ignore', pipe.fd, 'ignore'] })
  pipe.given()
  return text(pipe.output)
}

test('a program can open its output again by name', async () => {
  expect(await run('echo one; echo two > /dev/stdout; echo three > /proc/self/fd/1')).toBe('one\ntwo\nthree\n')
})

test('a lot comes through whole', async () => {
  expect((await run('i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done')).split('\n')).toHaveLength(
    20_001,
  )
})

test('nothing stays open, and other programs inherit nothing', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length
  await run('true')
  const before = open()
  for (let i = 0; i < 20; i++) await run('echo x')
  expect(open()).toBeLessThanOrEqual(before)
  const pipe = openPipe()
  const child = spawn('ls', ['-l', '/proc/self/fd'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ours = readlinkSync(`/proc/self/fd/${pipe.fd}`)
  expect(ours).toMatch(/^pipe:/)
  expect(await text(child.stdout)).not.toContain(ours)
  pipe.given()
  pipe.output.destroy()
})
