import { expect, test } from 'vitest'
import type { ProgressEvent } from '../../core/index.ts'
import { SecretFilter } from './secrets.ts'

const log = (text: string, stream: 'stdout' | 'stderr' = 'stdout'): ProgressEvent => ({
  type: 'log',
  task: 'a',
  stream,
  chunk: Buffer.from(text),
})

function outputOf(filter: SecretFilter, events: ProgressEvent[]): string {
  const out = [...events.flatMap((event) => filter.event(event)), ...filter.rests()]
  return out.map((event) => (event.type === 'log' ? Buffer.from(event.chunk).toString() : `<${event.type}>`)).join('')
}

test('a secret is found in pieces of output', () => {
  const filter = new SecretFilter(['hunter22'])
  const events = [
    log('a hun'),
    log('err\n', 'stderr'),
    log('ter22 b\nhunter'),
    log('22'),
    { type: 'finished', task: 'a', result: 'done' } as const,
  ]
  expect(outputOf(filter, events)).toBe('err\na *** b\n***<finished>')
})

test('the lines of a secret are secrets, unless they are too short', () => {
  expect(new SecretFilter(['first line\nsecond line\nab']).text('x second line ab first line\n')).toBe('x *** ab ***\n')
  expect(new SecretFilter(['a', '']).text('a b')).toBe('a b')
})

test('the longest of two goes first', () => {
  expect(new SecretFilter(['pass', 'password1']).text('password1 pass')).toBe('*** ***')
})

test('texts of events and values', () => {
  const filter = new SecretFilter(['s3cret'])
  expect(filter.event({ type: 'started', task: 'a', name: 'RUN x s3cret' })).toEqual([
    { type: 'started', task: 'a', name: 'RUN x ***' },
  ])
  const span = { source: { name: 'Dockerfile', text: 'ARG A=s3cret' }, line: 1, column: 1, endLine: 1, endColumn: 2 }
  expect(filter.event({ type: 'warning', code: 'X', message: 's3cret', span })).toEqual([
    { type: 'warning', code: 'X', message: '***', span },
  ])
  expect(filter.value({ a: ['s3cret!'], b: 1 })).toEqual({ a: ['***!'], b: 1 })
})

test('bytes that are no text pass, and nothing waits where there are no secrets', () => {
  const chunk = Buffer.from([0xff, 0x00, 0x0a])
  const event: ProgressEvent = { type: 'log', task: 'a', stream: 'stdout', chunk }
  expect(new SecretFilter(['abcd']).event(event)).toEqual([{ ...event, chunk }])
  const partial = log('no line end')
  expect(new SecretFilter([]).event(partial)).toEqual([partial])
})
