import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { ProgressEvent, TaskResult } from '../../../core/index.ts'
import { chooseColors } from '../colors.ts'
import { displayWidth } from '../width.ts'
import { createTtyProgress, type TtyOptions } from './tty.ts'

const start = (task: string, name: string, parent?: string): ProgressEvent =>
  parent === undefined ? { type: 'started', task, name } : { type: 'started', task, name, parent }
const end = (task: string, result: TaskResult = 'done'): ProgressEvent => ({ type: 'finished', task, result })
const log = (task: string, text: string): ProgressEvent => ({
  type: 'log',
  task,
  stream: 'stdout',
  chunk: Buffer.from(text),
})

function open(columns = 80, rows = 24, options: Partial<TtyOptions> = {}) {
  const size = { columns, rows }
  const progress = createTtyProgress({ size: () => size, ...options })
  const add = (at: number, ...events: ProgressEvent[]): void => {
    for (const event of events) progress.add(event, at)
  }
  const lines = (frame: string): string[] => stripVTControlCharacters(frame).replace(/^\r/, '').split('\n').slice(0, -1)
  return {
    progress,
    add,
    size,
    frame: (at: number) => lines(progress.render(at)),
    last: (at: number) => lines(progress.finish(at)),
  }
}

test('frames of a build look like BuildKit draws them', () => {
  const { add, frame, last } = open()
  add(0, { type: 'planned', task: 'b', name: 'later' }, start('a', '[internal] load build definition from Dockerfile'))
  add(0, start('p', 'transferring dockerfile:', 'a'), { type: 'bytes', task: 'p', done: 487 })
  add(10, end('p'), end('a'))
  add(20, start('b', '[2/3] RUN echo hello && sleep 1 && printf a-very-long-command-line-indeed --with flags'))
  add(120, log('b', 'hello\nwor'))
  expect(frame(320)).toEqual([
    '[+] Building 0.3s (1/2)',
    ' => [internal] load build definition from Dockerfile                       0.0s',
    ' => => transferring dockerfile: 487B                                       0.0s',
    ' => [2/3] RUN echo hello && sleep 1 && printf a-very-long-command-line-in  0.3s',
    ' => => # hello',
    ' => => # wor',
  ])
  add(1_020, end('b'))
  expect(last(1_100)).toEqual([
    '[+] Building 1.1s (2/2) FINISHED',
    ' => [internal] load build definition from Dockerfile                       0.0s',
    ' => => transferring dockerfile: 487B                                       0.0s',
    ' => [2/3] RUN echo hello && sleep 1 && printf a-very-long-command-line-in  1.0s',
  ])
})

test('nothing is drawn before something begins', () => {
  const { progress, add } = open()
  add(0, { type: 'planned', task: 'a', name: 'x' })
  expect(progress.render(100) + progress.finish(200)).toBe('')
})

test('results are named and coloured', () => {
  const { progress, add } = open(60, 24, { colors: chooseColors(true, {}) })
  for (const result of ['cached', 'failed', 'canceled', 'done'] as const)
    add(0, start(result, result), end(result, result))
  add(0, start('w', 'warned'), { type: 'warning', task: 'w', code: 'Rule', message: 'text' })
  const frame = progress.render(0)
  expect(frame).toContain('\x1b[34m => CACHED cached ')
  expect(frame).toContain('\x1b[31m => ERROR failed ')
  expect(frame).toContain('\x1b[33m => CANCELED canceled ')
  expect(frame).toContain('\x1b[34m => done ')
  expect(frame).toContain('\x1b[33m => WARN: Rule: text ')
})

describe('the screen', () => {
  test('each frame replaces the one before, with the cursor hidden meanwhile', () => {
    const { progress, add } = open(80, 24)
    add(0, start('a', 'one'), log('a', 'x\n'))
    expect(progress.render(0)).toMatch(/^\x1b\[\?25l\r\[\+\] .*\x1b\[J\x1b\[\?25h$/s)
    expect(progress.render(100)).toMatch(/^\x1b\[\?25l\x1b\[3A\r\[\+\] /)
    add(200, end('a'))
    expect(progress.finish(200)).toMatch(/^\x1b\[\?25l\x1b\[3A\r/)
  })

  test('a terminal that became narrower has wrapped the old lines', () => {
    const { progress, add, size } = open(80, 24)
    add(0, start('a', 'x'.repeat(100)))
    progress.render(0)
    size.columns = 40
    // The heading still takes one row, the line of 79 columns takes two.
    expect(progress.render(100)).toContain('\x1b[3A')
  })

  test.each([
    [40, 24],
    [80, 10],
    [20, 5],
    [10, 3],
    [1, 1],
  ])('frames fit %i columns and %i rows, whatever runs', (columns, rows) => {
    const { add, frame } = open(columns, rows)
    for (let i = 0; i < 30; i++) {
      add(i, start(`s${i}`, `[${i}/30] RUN 名前を長くする ${'long '.repeat(20)}`))
      add(i, log(`s${i}`, '漢字の行\n'.repeat(10)))
      if (i % 3 === 0) add(i, end(`s${i}`))
      const lines = frame(i + 1)
      expect(lines.length).toBeLessThan(Math.max(rows, 2))
      for (const line of lines) expect(displayWidth(line)).toBeLessThan(Math.max(columns, 2))
    }
  })

  test('running steps stay when finished ones must go, and the last frame has all', () => {
    const { add, frame, last } = open(80, 6)
    add(0, start('run', 'running'))
    for (let i = 0; i < 9; i++) add(0, start(`s${i}`, `step ${i}`), end(`s${i}`))
    expect(frame(1).map((line) => line.slice(0, 12).trim())).toEqual([
      '[+] Building',
      '=> running',
      '=> step 6',
      '=> step 7',
      '=> step 8',
    ])
    add(2, end('run'))
    expect(last(3)).toHaveLength(11)
  })
})

describe('log windows', () => {
  test('show the last lines of what runs, without blank ones and escapes', () => {
    const { add, frame } = open(80, 24, { logLines: 2 })
    add(0, start('a', 'x'), log('a', 'one\n\ntwo\n10%\r20%\x1b[2A'))
    expect(frame(0).slice(2)).toEqual([' => => # two', ' => => # 20%'])
    add(1, end('a'))
    expect(frame(1)).toHaveLength(2)
  })

  test('go to the steps that print most when there is no room for all', () => {
    const { add, frame } = open(80, 16)
    add(0, start('a', 'quiet'), start('b', 'loud'), log('a', 'a\n'), log('b', 'b\n'.repeat(100)))
    const lines = frame(0).map((line) => line.trim().slice(0, 10).trim())
    expect(lines).toEqual(['[+] Buildi', '=> quiet', '=> loud', ...Array<string>(6).fill('=> => # b')])
  })

  test('lines without end are cut', () => {
    const { add, frame } = open()
    add(0, start('a', 'x'), log('a', 'y'.repeat(1_000_000)))
    expect(displayWidth(frame(0)[2]!)).toBe(79)
  })
})

test('a failure ends with the log of the step', () => {
  const { progress, add } = open()
  add(0, start('a', 'RUN false'), log('a', 'oops\n'))
  add(64, { type: 'finished', task: 'a', result: 'failed', error: 'exit code: 1' })
  expect(progress.finish(70).endsWith('\x1b[?25h------\n > RUN false:\n0.000 oops\n------\n')).toBe(true)
})
