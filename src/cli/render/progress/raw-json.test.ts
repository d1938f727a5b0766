import { expect, test } from 'vitest'
import { digestOf, type ProgressEvent } from '../../../core/index.ts'
import { createRawJsonProgress } from './raw-json.ts'

function play(...events: ProgressEvent[]): unknown[] {
  const progress = createRawJsonProgress()
  events.forEach((event, i) => {
    progress.add(event, i * 1000)
  })
  const out = progress.render(0) + progress.finish(0)
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

const second = (n: number): string => new Date(n * 1000).toISOString()
const a = digestOf('a')

test('a step with a part, logs and an end', () => {
  const b = digestOf('b')
  expect(
    play(
      { type: 'planned', task: 'a', name: 'RUN x', inputs: [b] },
      { type: 'started', task: 'a', name: 'RUN x' },
      { type: 'started', task: 'p', name: 'sha256:1', parent: 'a' },
      { type: 'bytes', task: 'p', done: 5, total: 10 },
      { type: 'log', task: 'a', stream: 'stderr', chunk: Buffer.from('hello\n') },
      { type: 'finished', task: 'p', result: 'done' },
      { type: 'finished', task: 'a', result: 'cached' },
    ),
  ).toEqual([
    { vertexes: [{ digest: a, inputs: [b], name: 'RUN x' }] },
    { vertexes: [{ digest: a, inputs: [b], name: 'RUN x', started: second(1) }] },
    { statuses: [{ id: 'sha256:1', vertex: a, current: 0, timestamp: second(2), started: second(2) }] },
    {
      statuses: [
        {
          id: 'sha256:1',
          vertex: a,
          name: 'transferring',
          total: 10,
          current: 5,
          timestamp: second(3),
          started: second(2),
        },
      ],
    },
    { logs: [{ vertex: a, stream: 2, data: 'aGVsbG8K', timestamp: second(4) }] },
    {
      statuses: [
        {
          id: 'sha256:1',
          vertex: a,
          name: 'transferring',
          total: 10,
          current: 5,
          timestamp: second(5),
          started: second(2),
          completed: second(5),
        },
      ],
    },
    { vertexes: [{ digest: a, inputs: [b], name: 'RUN x', started: second(1), completed: second(6), cached: true }] },
  ])
})

test('failures, cancellation and warnings', () => {
  const source = { name: 'Dockerfile', text: 'FROM a' }
  const [, failed, canceled, warned] = play(
    { type: 'started', task: 'a', name: 'x' },
    { type: 'finished', task: 'a', result: 'failed', error: 'exit code: 1' },
    { type: 'finished', task: 'a', result: 'canceled' },
    {
      type: 'warning',
      task: 'a',
      code: 'R',
      message: 'm',
      span: { source, line: 1, column: 1, endLine: 1, endColumn: 2 },
    },
  )
  expect(failed).toMatchObject({ vertexes: [{ error: 'exit code: 1' }] })
  expect(canceled).toMatchObject({ vertexes: [{ error: 'context canceled' }] })
  expect(warned).toEqual({
    warnings: [
      {
        vertex: a,
        level: 1,
        short: Buffer.from('R: m (line 1)').toString('base64'),
        sourceInfo: { filename: 'Dockerfile', data: Buffer.from('FROM a').toString('base64') },
        range: [{ start: { line: 1 }, end: { line: 1 } }],
      },
    ],
  })
})

test('unknown tasks are left out', () => {
  expect(play({ type: 'finished', task: 'x', result: 'done' }, { type: 'bytes', task: 'x', done: 1 })).toEqual([])
})
