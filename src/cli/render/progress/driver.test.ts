import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chooseProgressMode, createProgressRenderer } from './choose.ts'
import { openProgress } from './driver.ts'
import type { ProgressRenderer } from './renderer.ts'
import { renderWarnings } from './warnings.ts'

const screen = { isTerminal: false, columns: 80, rows: 24, colors: false }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function recorder(interval: number): { renderer: ProgressRenderer; frames: number[] } {
  const frames: number[] = []
  const renderer: ProgressRenderer = {
    interval,
    add() {},
    render(now) {
      frames.push(now)
      return 'frame'
    },
    finish: () => 'end',
  }
  return { renderer, frames }
}

test('many events make at most ten frames a second, and silence goes on at the renderer pace', () => {
  const { renderer, frames } = recorder(150)
  const written: string[] = []
  const driver = openProgress(renderer, (text) => written.push(text))
  const begin = Date.now()
  for (let i = 0; i < 100; i++) {
    driver.progress({ type: 'bytes', task: 'a', done: i })
    vi.advanceTimersByTime(5)
  }
  expect(frames.length).toBeGreaterThanOrEqual(5)
  expect(frames.length).toBeLessThanOrEqual(6)
  const before = frames.length
  vi.advanceTimersByTime(1500)
  expect(frames.length - before).toBe(10)
  expect(frames[0]).toBe(begin)
  driver.close()
  driver.close()
  driver.progress({ type: 'bytes', task: 'a', done: 1 })
  vi.advanceTimersByTime(1000)
  expect(written.filter((text) => text === 'end')).toHaveLength(1)
  expect(written.at(-1)).toBe('end')
})

test('a renderer without a pace renders every event and nothing else', () => {
  const { renderer, frames } = recorder(0)
  const driver = openProgress(renderer, () => {})
  for (let i = 0; i < 5; i++) driver.progress({ type: 'bytes', task: 'a', done: i })
  vi.advanceTimersByTime(10_000)
  expect(frames).toHaveLength(5)
})

test.each([
  [undefined, true, {}, 'tty'],
  [undefined, false, {}, 'plain'],
  ['auto', false, { BUILDKIT_PROGRESS: 'rawjson' }, 'rawjson'],
  ['plain', true, { BUILDKIT_PROGRESS: 'rawjson' }, 'plain'],
  ['none', true, {}, 'quiet'],
  ['tty', true, {}, 'tty'],
] as const)('--progress=%s on a terminal: %s, env %j: %s', (flag, isTerminal, env, mode) => {
  expect(chooseProgressMode(flag, { ...screen, isTerminal }, env)).toBe(mode)
})

test('wrong modes are refused', () => {
  expect(() => chooseProgressMode('foo', screen, {})).toThrow('invalid progress mode foo')
  expect(() => chooseProgressMode('tty', screen, {})).toThrow('failed to get console')
})

test.each(['plain', 'tty', 'rawjson', 'quiet'] as const)('%s has a renderer', (mode) => {
  const renderer = createProgressRenderer(mode, () => screen, { env: {} })
  renderer.add({ type: 'started', task: 'a', name: 'step' }, 0)
  expect(renderer.render(0).includes('step')).toBe(mode !== 'quiet')
})

test('warnings are listed after a build', () => {
  const warning = { type: 'warning', code: 'Rule', message: 'do not' } as const
  expect(renderWarnings([])).toBe('')
  expect(renderWarnings([warning])).toBe('\n 1 warning found (use slipway --debug to expand):\n - Rule: do not\n')
  const span = { source: { name: 'D', text: 'FROM a' }, line: 1, column: 1, endLine: 1, endColumn: 2 }
  expect(renderWarnings([{ ...warning, span }, warning], { debug: true })).toMatch(
    /^\n 2 warnings found:\n - Rule: do not \(line 1\)\nD:1\n.*\n - Rule: do not\n$/s,
  )
})
