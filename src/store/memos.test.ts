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
