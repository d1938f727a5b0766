import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { ProgressEvent } from '../../../core/index.ts'
import { createTransferProgress, TRANSFER_WORDS, type TransferOptions } from './transfer.ts'

const open = (options: Partial<TransferOptions> = {}) =>
  createTransferProgress({
    words: TRANSFER_WORDS.pull,
    isTerminal: false,
    size: () => ({ columns: 80, rows: 24 }),
    ...options,
  })
const layer = (task: string, name: string): ProgressEvent => ({ type: 'started', task, name, parent: 'pull' })
const bytes = (task: string, done: number, total: number): ProgressEvent => ({ type: 'bytes', task, done, total })
const lines = (frame: string): string[] => stripVTControlCharacters(frame).replace(/^\r/, '').split('\n').slice(0, -1)

test('without a terminal each change of state is a line, and counters are not', () => {
  const progress = open()
  const events: ProgressEvent[] = [
    { type: 'started', task: 'pull', name: 'pull x' },
    layer('a', '2d35ebdb57d9'),
    layer('b', '4f4fb700ef54'),
    bytes('a', 5, 10),
    { type: 'finished', task: 'b', result: 'cached' },
    { type: 'status', task: 'a', text: 'Download complete' },
    { type: 'finished', task: 'a', result: 'done' },
  ]
  for (const event of events) progress.add(event, 0)
  expect(progress.render(0) + progress.finish(0)).toBe(
    [
      '2d35ebdb57d9: Pulling fs layer',
      '4f4fb700ef54: Pulling fs layer',
      '4f4fb700ef54: Already exists',
      '2d35ebdb57d9: Download complete',
      '2d35ebdb57d9: Pull complete',
      '',
    ].join('\n'),
  )
})

test('docker load says nothing about layers without a terminal', () => {
  const progress = open({ words: TRANSFER_WORDS.load })
  progress.add(layer('a', 'x'), 0)
  progress.add({ type: 'finished', task: 'a', result: 'done' }, 0)
  expect(progress.finish(0)).toBe('')
})

test('a layer that was mounted says from where', () => {
  const progress = open({ words: TRANSFER_WORDS.push })
  progress.add(layer('a', 'x'), 0)
  progress.add({ type: 'status', task: 'a', text: 'Mounted from library/y' }, 0)
  progress.add({ type: 'finished', task: 'a', result: 'cached' }, 0)
  expect(progress.finish(0)).toBe('x: Mounted from library/y\n')
})

describe('on a terminal', () => {
  test('lines are drawn in place, with numbers', () => {
    const progress = open({ isTerminal: true })
    progress.add(layer('a', 'aaa'), 0)
    progress.add(layer('b', 'bbb'), 0)
    progress.add(bytes('a', 5_000_000, 12_000_000), 0)
    expect(lines(progress.render(0))).toEqual(['aaa: Downloading      5MB/12MB', 'bbb: Pulling fs layer'])
    expect(progress.render(50)).toBe('')
    progress.add({ type: 'finished', task: 'a', result: 'done' }, 60)
    const frame = progress.render(60)
    expect(frame).toContain('\x1b[2A')
    expect(lines(frame)[0]).toBe('aaa: Pull complete')
  })

  test('wide ones have a bar', () => {
    const progress = open({ isTerminal: true, size: () => ({ columns: 120, rows: 24 }) })
    progress.add(layer('a', 'aaa'), 0)
    progress.add(bytes('a', 6_000_000, 12_000_000), 0)
    expect(lines(progress.render(0))).toEqual([`aaa: Downloading [${'='.repeat(25)}>${' '.repeat(25)}]      6MB/12MB`])
  })

  test('small ones show what is under way, and everything at the end', () => {
    const progress = open({ isTerminal: true, size: () => ({ columns: 30, rows: 4 }) })
    for (let i = 0; i < 6; i++) progress.add(layer(`l${i}`, `layer-${i}`), 0)
    for (let i = 0; i < 5; i++) progress.add({ type: 'finished', task: `l${i}`, result: 'done' }, 0)
    expect(lines(progress.render(0))).toEqual([
      'layer-3: Pull complete',
      'layer-4: Pull complete',
      'layer-5: Pulling fs layer',
    ])
    expect(lines(progress.finish(0))).toHaveLength(6)
  })

  test('names are made safe, and why a layer failed is said elsewhere', () => {
    const progress = open({ isTerminal: true })
    progress.add(layer('a', 'x\x1b[2J'), 0)
    progress.add({ type: 'finished', task: 'a', result: 'failed', error: 'why' }, 0)
    expect(lines(progress.render(0))).toEqual(['x\\x1b[2J: Failed'])
  })
})
