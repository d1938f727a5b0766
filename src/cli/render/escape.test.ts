import { describe, expect, test } from 'vitest'
import { cleanLogLine, escapeMessage, escapeName } from './escape.ts'

test('names cannot move the cursor, change colours, break the line or turn text around', () => {
  expect(escapeName('ok-名前')).toBe('ok-名前')
  expect(escapeName('a\x1b[2Jb\r\n\tc\x07\x9b1m\u202eexe.\u2066\ufeff')).toBe(
    'a\\x1b[2Jb\\r\\n\\tc\\x07\\x9b1m\\u202eexe.\\u2066\\ufeff',
  )
})

test('messages keep their lines', () => {
  expect(escapeMessage('one\n\ttwo\x1b]0;title\x07')).toBe('one\n\ttwo\\x1b]0;title\\x07')
})

describe('log lines', () => {
  test.each([
    ['plain', 'plain'],
    ['tab\tstays', 'tab\tstays'],
    ['10%\r50%\r100%', '100%'],
    ['windows\r', 'windows'],
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b[2K\x1b[1A\x1b[Hgone', 'gone'],
    ['\x1b]0;title\x07text', 'text'],
    ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['\x1bPsixel\x1b\\after', 'after'],
    ['\x1b(Bcharset\x1bc', 'charset'],
    ['bell\x07 back\b nul\x00', 'bell back nul'],
    ['cut \x1b[', 'cut '],
  ])('%j is shown as %j', (line, shown) => {
    expect(cleanLogLine(line)).toBe(shown)
  })

  test('colours can stay, everything else still goes', () => {
    expect(cleanLogLine('\x1b[1;31mred\x1b[0m\x1b[2J', { colors: true })).toBe('\x1b[1;31mred\x1b[0m')
  })

  test('unfinished sequences take linear time', () => {
    const line = `\x1b[${'0;'.repeat(200_000)}\x1b`.repeat(3)
    expect(cleanLogLine(line).length).toBeLessThan(line.length)
  })
})
