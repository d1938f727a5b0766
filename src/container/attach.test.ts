import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { until } from '../host/child.suite.ts'
import { attach } from './attach.ts'
import { bytesFrom, canRun, openWorkshop, startMonitored } from './fixture.suite.ts'

describe.skipIf(!canRun)('at the streams of a container (needs root, a runtime, conmon and busybox)', () => {
  test('what is put in comes out, to the last byte', async () => {
    const workshop = await openWorkshop({ processes: false })
    const box = await startMonitored(workshop, { args: ['cat'] }, { openStdin: true })
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
    await box.attachment.input(bytes)
    box.attachment.endInput()
    expect(bytesFrom(await box.output, 'stdout').equals(bytes)).toBe(true)
    expect(await box.exitCode()).toBe(0)
  })

  test('the end of input is the end', async () => {
    const workshop = await openWorkshop({ processes: false })
    const box = await startMonitored(workshop, { args: ['wc', '-c'] }, { openStdin: true })
    box.attachment.endInput()
    expect(
      bytesFrom(await box.output, 'stdout')
        .toString()
        .trim(),
    ).toBe('0')
  })

  test('without it, there is no input', async () => {
    const workshop = await openWorkshop({ processes: false })
    const box = await startMonitored(workshop, { args: ['cat'] })
    expect(await box.exitCode()).toBe(0)
  })

  test('a terminal is one, has the size that it is told, and makes one stream', async () => {
    const workshop = await openWorkshop({ processes: false })
    const sized = 'until [ "$(stty size)" = "33 99" ]; do sleep 0.05; done'
    const script = `test -t 0 && test -t 1 && echo tty; read line; ${sized}; stty size; echo err >&2`
    const box = await startMonitored(
      workshop,
      { args: ['sh', '-c', script], terminal: true, env: ['PATH=/bin', 'TERM=xterm'] },
      { openStdin: true },
    )
    await until(() => readFileSync(box.paths.log, 'utf8').includes('tty'), 'it runs')
    box.attachment.resize({ rows: 33, columns: 99 })
    await box.attachment.input(Buffer.from('go\n'))
    const output = await box.output
    expect(bytesFrom(output, 'stdout').toString()).toBe('tty\r\ngo\r\n33 99\r\nerr\r\n')
    expect(output.every(({ stream }) => stream === 'stdout')).toBe(true)
  })

  test('two can listen, and who comes later hears what comes later', async () => {
    const workshop = await openWorkshop({ processes: false })
    const script = 'read a; echo $a; read b; echo $b'
    const box = await startMonitored(workshop, { args: ['sh', '-c', script] }, { openStdin: true })
    await box.attachment.input(Buffer.from('first\n'))
    const second = attach(box.paths.bundle)
    const heard: string[] = []
    const listening = (async () => {
      for await (const { chunk } of second.output()) heard.push(chunk.toString())
    })()
    await until(() => readFileSync(box.paths.log, 'utf8').includes('first'), 'it spoke')
    await box.attachment.input(Buffer.from('second\n'))
    await listening
    expect(bytesFrom(await box.output, 'stdout').toString()).toBe('first\nsecond\n')
    expect(heard.join('')).toMatch(/second\n$/)
  })
})

test('where no monitor is, nobody can attach', () => {
  expect(() => attach('/nowhere')).toThrow()
})
