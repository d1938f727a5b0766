import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { temporaryStore } from './fixture.suite.ts'

test('answers are kept by kind and key', () => {
  const { memos } = temporaryStore()
  memos.set('a', 'k', 'text ä')
  memos.set('b', 'k', Buffer.from([0, 255]))
  expect(memos.getText('a', 'k')).toBe('text ä')
  expect(Buffer.from(memos.get('b', 'k')!)).toEqual(Buffer.from([0, 255]))
  expect(memos.get('a', 'other')).toBeUndefined()
  expect(memos.getText('c', 'k')).toBeUndefined()
  memos.set('a', 'k', '')
  expect(memos.getText('a', 'k')).toBe('')
})

test('old ones of a kind are forgotten', async () => {
  const { memos } = temporaryStore()
  memos.set('a', 'old', 'x')
  memos.set('b', 'old', 'x')
  await sleep(30)
  memos.set('a', 'new', 'x')
  memos.forgetOlder('a', 20)
  expect(memos.getText('a', 'old')).toBeUndefined()
  expect(memos.getText('a', 'new')).toBe('x')
  expect(memos.getText('b', 'old')).toBe('x')
})

test('answers of one kind are listed, forgotten one by one, and the oldest when they take too much', async () => {
  const { memos } = temporaryStore()
  for (const [key, length] of [
    ['first', 10],
    ['second', 20],
    ['third', 30],
  ] as const) {
    memos.set('a', key, 'x'.repeat(length))
    await sleep(2)
  }
  memos.set('b', 'other', 'x')
  expect(memos.list('a').map(({ key, bytes }) => [key, bytes])).toEqual([
    ['first', 10],
    ['second', 20],
    ['third', 30],
  ])
  memos.forgetBeyond('a', 50)
  expect(memos.list('a').map(({ key }) => key)).toEqual(['second', 'third'])
  memos.forget('a', 'second')
  expect(memos.list('a').map(({ key }) => key)).toEqual(['third'])
  expect(memos.list('b')).toHaveLength(1)
})
