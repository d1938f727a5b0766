import { describe, expect, test } from 'vitest'
import type { ProgressEvent, TaskResult } from '../../../core/index.ts'
import { createPlainProgress } from './plain.ts'

/** Feeds timed events and renders after each, like the driver does. */
function play(steps: [at: number, ...events: ProgressEvent[]][], options = {}): string {
  const progress = createPlainProgress(options)
  let out = ''
  let end = 0
  for (const [at, ...events] of steps) {
    for (const event of events) progress.add(event, at)
    out += progress.render(at)
    end = at
  }
  return out + progress.finish(end)
}

const start = (task: string, name: string, parent?: string): ProgressEvent =>
  parent === undefined ? { type: 'started', task, name } : { type: 'started', task, name, parent }
const end = (task: string, result: TaskResult = 'done', error?: string): ProgressEvent =>
  error === undefined ? { type: 'finished', task, result } : { type: 'finished', task, result, error }
const log = (task: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): ProgressEvent => ({
  type: 'log',
  task,
  stream,
  chunk: Buffer.from(text),
})

test('steps one after the other look like BuildKit prints them', () => {
  const out = play(
    [
      [0, start('a', '[internal] load build definition from Dockerfile'), start('a1', 'transferring dockerfile:', 'a')],
      [4, { type: 'bytes', task: 'a1', done: 487 }, end('a1'), end('a')],
      [10, start('b', '[base 1/2] COPY busybox /bin/busybox'), end('b', 'cached')],
      [20, start('c', '[base 2/2] RUN make')],
      [93, log('c', 'hello\npart')],
      [400, log('c', 'ial\n'), log('c', 'oops\n', 'stderr')],
      [1120, end('c')],
    ],
    { heading: 'building with slipway' },
  )
  expect(out).toBe(`#0 building with slipway

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile:
#1 transferring dockerfile: 487B done
#1 DONE 0.0s

#2 [base 1/2] COPY busybox /bin/busybox
#2 CACHED

#3 [base 2/2] RUN make
#3 0.073 hello
#3 0.073 partial
#3 0.380 oops
#3 DONE 1.1s
`)
})

test('a failure is reported with its last ten lines', () => {
  const lines = Array.from({ length: 12 }, (_, i) => `line ${i}\n`).join('')
  const out = play([
    [0, start('a', '[1/1] RUN false')],
    [50, log('a', lines)],
    [60, end('a', 'failed', 'exit code: 1')],
  ])
  expect(out).toContain('#1 0.050 line 11\n#1 ERROR: exit code: 1\n------\n > [1/1] RUN false:\n0.050 line 2\n')
  expect(out.endsWith('0.050 line 11\n------\n')).toBe(true)
})

test('cancelled steps and warnings', () => {
  const warning: ProgressEvent = { type: 'warning', task: 'a', code: 'MaintainerDeprecated', message: 'use a label' }
  const span = { source: { name: 'Dockerfile', text: '' }, line: 5, column: 1, endLine: 5, endColumn: 2 }
  expect(
    play([
      [0, start('a', 'x'), warning, { ...warning, span }],
      [1, end('a', 'canceled', 'stopped')],
    ]),
  ).toBe(
    '#1 x\n#1 WARN: MaintainerDeprecated: use a label\n#1 WARN: MaintainerDeprecated: use a label (line 5)\n#1 CANCELED\n',
  )
})

describe('steps that run at the same time', () => {
  test('one keeps the output while the other waits, and finished ones come first', () => {
    const out = play([
      [0, start('a', 'slow'), start('b', 'fast')],
      [100, log('a', 'a1\n')],
      [200, log('b', 'b1\n')],
      [300, log('a', 'a2\n')],
      [400, log('b', 'b2\n'), end('b')],
      [500, log('a', 'a3\n'), end('a')],
    ])
    expect(out).toBe(
      '#1 slow\n#1 0.100 a1\n#1 0.300 a2\n#1 ...\n\n#2 fast\n#2 0.200 b1\n#2 0.400 b2\n#2 DONE 0.4s\n\n' +
        '#1 slow\n#1 0.500 a3\n#1 DONE 0.5s\n',
    )
  })

  test('one that was hidden for ten seconds is shown', () => {
    const out = play([
      [0, start('a', 'slow'), start('b', 'hidden')],
      [100, log('b', 'b1\n')],
      [5_000, log('a', 'a1\n')],
      [9_000, log('b', 'b2\n')],
      [10_200, log('b', 'b3\n')],
    ])
    expect(out).toBe('#1 slow\n#1 5.000 a1\n#1 ...\n\n#2 hidden\n#2 0.100 b1\n#2 9.000 b2\n#2 10.20 b3\n')
  })

  test('a busy one takes over after some seconds', () => {
    const busy: [number, ProgressEvent][] = Array.from({ length: 80 }, (_, i) => [100 * (i + 1), log('b', `b${i}\n`)])
    const out = play([[0, start('a', 'lazy'), start('b', 'busy')], ...busy])
    expect(out).toMatch(/^#1 lazy\n#1 \.\.\.\n\n#2 busy\n/)
  })

  test('when one ends another running one is announced', () => {
    expect(play([[0, start('a', 'one'), start('b', 'two')], [10, end('a')], [20]])).toBe(
      '#1 one\n#1 DONE 0.0s\n\n#2 two\n',
    )
  })
})

test('a counter is printed when it grew by a twentieth or waited five seconds', () => {
  const bytes = (done: number): ProgressEvent => ({ type: 'bytes', task: 'p', done, total: 1_000_000 })
  const out = play([
    [0, start('a', 'pull'), start('p', 'sha256:1', 'a'), bytes(0)],
    [100, bytes(10_000)],
    [200, bytes(60_000)],
    [300, bytes(70_000)],
    [5_400, bytes(80_000)],
    [6_000, bytes(1_000_000), end('p'), end('a')],
  ])
  expect(out).toBe(
    [
      '#1 pull',
      '#1 sha256:1 0B / 1.00MB',
      '#1 sha256:1 60.00kB / 1.00MB 0.2s',
      '#1 sha256:1 80.00kB / 1.00MB 5.4s',
      '#1 sha256:1 1.00MB / 1.00MB 6.0s done',
      '#1 DONE 6.0s',
      '',
    ].join('\n'),
  )
})

test('names and logs cannot send commands to the terminal', () => {
  const out = play([
    [0, start('a', 'RUN \x1b[2J\n#2 fake'), log('a', '10%\r100%\x1b]0;x\x07\n\x1b[31mred\x1b[2A\n')],
    [1, end('a', 'failed', '\x1b[1mbad')],
  ])
  expect(out).toContain('#1 RUN \\x1b[2J\\n#2 fake\n#1 0.000 100%\n#1 0.000 red\n#1 ERROR: \\x1b[1mbad\n')
  expect(out).not.toContain('\x1b')
  const colored = play([[0, start('a', 'x'), log('a', '\x1b[31mred\n')]], { colors: true })
  expect(colored).toContain('0.000 \x1b[31mred\x1b[0m\n')
})

test('events about unknown tasks change nothing', () => {
  expect(play([[0, end('x'), log('x', 'a\n'), { type: 'bytes', task: 'x', done: 1 }]])).toBe('')
})

test('a step that is started again adds up', () => {
  expect(
    play([
      [0, start('a', 'x')],
      [1_000, end('a')],
      [5_000, start('a', 'x')],
      [6_000, end('a')],
    ]),
  ).toMatch(/DONE 2\.0s\n$/)
})
