import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { CommandContext } from './command.ts'
import { ask } from './prompt.ts'

/** A terminal on which `typed` is typed, what it shows, and whether it was raw at each question. */
function openTerminal(...typed: (string | Buffer)[]): {
  context: Pick<CommandContext, 'io' | 'signal'>
  shown: string[]
  modes: boolean[]
  stop: AbortController
} {
  const [shown, modes, stop]: [string[], boolean[], AbortController] = [[], [], new AbortController()]
  const stdin = new PassThrough()
  for (const each of typed) stdin.write(each)
  const terminal = Object.assign(stdin, { isTTY: true, setRawMode: (on: boolean) => void modes.push(on) })
  const output = {
    write: async (text: string | Uint8Array) => void shown.push(String(text)),
    writeNow: () => {},
    terminal: () => ({ isTerminal: true, columns: 80, rows: 24, colors: false }),
  }
  const io = { stdout: output, stderr: output, stdin: () => terminal as unknown as NodeJS.ReadStream }
  return { context: { io, signal: stop.signal }, shown, modes, stop }
}

test('a line is the answer, and what follows it is for the next question', async () => {
  const { context, shown, modes } = openTerminal('alice\nwon', 'der\n')
  expect(await ask(context, 'Username: ')).toBe('alice')
  expect(modes).toEqual([])
  expect(await ask(context, 'Password: ', { secret: true })).toBe('wonder')
  expect(shown).toEqual(['Username: ', 'Password: ', '\n'])
  expect(modes).toEqual([true, false])
})

test.each([
  ['abc\x7f\x7fd\r', 'ad'],
  ['é\x7fx\r', 'x'],
  ['\x7f\x7fx\r', 'x'],
  ['wrong\x15right\r', 'right'],
  ['ends\x04', 'ends'],
  ['\r', ''],
  ['日本\x7f\r', '日'],
])('keys %j make %j', async (keys, answer) => {
  const { context } = openTerminal(keys)
  expect(await ask(context, '', { secret: true })).toBe(answer)
})

test('a character that comes in two pieces is one', async () => {
  const bytes = Buffer.from('é\n')
  const { context } = openTerminal(bytes.subarray(0, 1), bytes.subarray(1))
  expect(await ask(context, '')).toBe('é')
})

test('Ctrl-C ends it and puts the terminal back', async () => {
  const { context, modes } = openTerminal('secr\x03et\n')
  await expect(ask(context, '', { secret: true })).rejects.toMatchObject({ code: 'CANCELED', data: { exitCode: 130 } })
  expect(modes).toEqual([true, false])
})

test('a signal ends it', async () => {
  const { context, stop } = openTerminal('half')
  const asked = ask(context, '')
  stop.abort(new Error('stopped'))
  await expect(asked).rejects.toThrow('stopped')
})

test('the end of the input is the end of the line', async () => {
  const { context } = openTerminal('abc')
  context.io.stdin().push(null)
  expect(await ask(context, '')).toBe('abc')
})

test('a line without end is cut', async () => {
  const { context } = openTerminal('x'.repeat(100_000))
  expect(await ask(context, '')).toHaveLength(4096)
})
